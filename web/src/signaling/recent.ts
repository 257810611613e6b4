/** A map that keeps its `max` newest entries. */
export class Recent<Value> {
  readonly #entries = new Map<string, Value>()

  constructor(private readonly max: number) {}

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  /** Makes the entry the newest. */
  set(key: string, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.max) this.#entries.delete(this.#entries.keys().next().value!)
  }

  /** The entry, made by `make` where there is none. */
  ensure(key: string, make: () => Value): Value {
    const value = this.#entries.get(key) ?? make()
    this.set(key, value)
    return value
  }
}
