/** Bootstrap nodes only seed the mesh: once it has formed, it does without them. */

import { onlyNodes } from '../support/reach.mjs'
import { stagedByCarrier } from '../support/stage.mjs'

stagedByCarrier('with the bootstrap node dead, a new page joins and chats', async (stage) => {
  const network = stage.network()
  const bootstrap = await network.startBootstrap()
  const a = await network.startNode()
  const b = await network.startNode()
  await Promise.all([a.joined(), b.joined()])

  const early = await stage.visitor(a, { prepare: onlyNodes(a) })
  await early.ask('join', 'lobby')
  bootstrap.kill('SIGKILL')
  await bootstrap.ended

  const late = await stage.visitor(b, { prepare: onlyNodes(b) })
  await late.ask('join', 'lobby')
  await Promise.all([early.ask('connected', late.peerId), late.ask('connected', early.peerId)])
  await late.ask('say', 'anybody?')
  await early.ask('hears', late.peerId, 'anybody?')
})
