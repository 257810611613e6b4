/** Before a page navigates: what it does while nobody looks can be counted. */

/** Runs in the page. `window.timers`: those that are set, and how often one has called. For as long as the page lives. */
export const countTimers = (page) =>
  page.evaluateOnNewDocument(() => {
    const pending = new Map()
    let calls = 0
    const { setTimeout, setInterval, clearTimeout } = window
    const where = () => String(new Error().stack).split('\n').slice(3, 6).join(' < ')
    const counting = /** @type {any} */ (window)
    counting.setTimeout = (callback, ...rest) => {
      const id = setTimeout(
        (...args) => {
          pending.delete(id)
          calls++
          callback(...args)
        },
        ...rest,
      )
      pending.set(id, where())
      return id
    }
    counting.setInterval = (callback, ...rest) => {
      const id = setInterval(
        (...args) => {
          calls++
          callback(...args)
        },
        ...rest,
      )
      pending.set(id, where())
      return id
    }
    // To a browser the two are one.
    counting.clearTimeout = counting.clearInterval = (id) => {
      pending.delete(id)
      clearTimeout(id)
    }
    counting.timers = { pending: () => pending.size, calls: () => calls, list: () => [...pending.values()] }
  })

/** `window.look(away)`: to the page's scripts, it is hidden or seen from then on. */
export const pretendVisibility = (page) =>
  page.evaluateOnNewDocument(() => {
    let state = 'visible'
    Object.defineProperty(document, 'visibilityState', { get: () => state })
    Object.defineProperty(document, 'hidden', { get: () => state === 'hidden' })
    window.look = (away) => {
      state = away ? 'hidden' : 'visible'
      document.dispatchEvent(new Event('visibilitychange'))
    }
  })

/** `window.sends()`: messages by WebSocket, which are answers to nodes' pings where nothing else happens. */
export const countSends = (page) =>
  page.evaluateOnNewDocument(() => {
    let sends = 0
    const { send } = WebSocket.prototype
    WebSocket.prototype.send = function (message) {
      sends++
      send.call(this, message)
    }
    window.sends = () => sends
  })
