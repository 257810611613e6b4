import { networkInterfaces } from 'node:os'

/** An address of this machine besides loopback; undefined where it has none. */
export const lanAddress = () =>
  Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address
