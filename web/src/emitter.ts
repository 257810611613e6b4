/**
 * Typed events. `Events` maps an event's name to what its listeners receive.
 *
 * A listener that throws keeps no other from being called: its error is rethrown in a task of
 * its own, where the page's `error` handlers see it.
 */
export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>()

  /** Calls `listener` at every `name`; returns its undo. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
    let set = this.#listeners.get(name)
    if (!set) this.#listeners.set(name, (set = new Set()))
    // A wrapper of its own, so that the same function added twice is called and undone twice.
    const entry = (event: Events[Name]): void => listener(event)
    set.add(entry)
    return () => void set.delete(entry)
  }

  /** Calls the listeners of `name` in the order in which they were added. */
  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        ;(listener as (event: Events[Name]) => void)(event)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
