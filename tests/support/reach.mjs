/** Before a page navigates: what it can reach, as behind a firewall. */

/** Lets it reach no nodes but these. */
export function onlyNodes(...nodes) {
  const hosts = nodes[0].network.carrier === 'websocket' ? nodes.map(({ http }) => new URL(http).host) : []
  const ports = nodes.flatMap(({ addrs }) => addrs.map((addr) => Number(addr.split('/')[4])))
  return (page) => page.evaluateOnNewDocument(fence, hosts, ports)
}

/** Lets it open no WebSocket. */
export const noWebSocket = (page) => page.evaluateOnNewDocument(fence, [], null)

/** Lets it reach no node by UDP. */
export const noWebRtcDirect = (page) => page.evaluateOnNewDocument(fence, null, [])

/**
 * Runs in the page; nodes hear nothing of what it forbids.
 *
 * @param {string[] | null} hosts where WebSockets may go; null for anywhere
 * @param {number[] | null} ports where WebRTC-direct may go; null for anywhere
 */
function fence(hosts, ports) {
  const Socket = window.WebSocket
  window.WebSocket = class extends Socket {
    constructor(url, protocols) {
      // Nobody listens on port 1.
      super(!hosts || hosts.includes(new URL(url).host) ? url : 'ws://127.0.0.1:1/', protocols)
    }
  }
  const { setRemoteDescription } = RTCPeerConnection.prototype
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const [, port] = /^m=application (\d+) .*[^]*libp2p\+webrtc/m.exec(description?.sdp ?? '') ?? []
    if (port && ports && !ports.includes(Number(port))) return new Promise(() => {})
    return setRemoteDescription.call(this, description)
  }
}
