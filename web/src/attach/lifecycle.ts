/** What a browser does to its pages: hides, freezes and wakes them, and loses the network. */

export interface Lifecycle {
  /** The page is going away, for a while or for good. */
  onSleep(): void
  /** It is back, or the network is. */
  onWake(): void
  onVisibility(hidden: boolean): void
}

export const isHidden = (): boolean => globalThis.document?.visibilityState === 'hidden'

/** Returns its undo. Does nothing outside of pages. */
export function watchLifecycle(lifecycle: Lifecycle): () => void {
  if (!globalThis.document || !globalThis.addEventListener) return () => {}
  const stop = new AbortController()
  const { signal } = stop
  const sleep = (): void => lifecycle.onSleep()
  const wake = (): void => lifecycle.onWake()
  addEventListener('pagehide', sleep, { signal })
  document.addEventListener('freeze', sleep, { signal })
  addEventListener('pageshow', wake, { signal })
  addEventListener('online', wake, { signal })
  document.addEventListener('resume', wake, { signal })
  document.addEventListener(
    'visibilitychange',
    () => {
      lifecycle.onVisibility(isHidden())
      if (!isHidden()) wake()
    },
    { signal },
  )
  return () => stop.abort()
}
