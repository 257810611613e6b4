/** Waiting for what should happen, with an end to the patience. */

/** How long anything may take that has no figure of its own: generous, since machines differ. */
export const PATIENCE_MS = 20_000

/**
 * Resolves like `promise`, or rejects with a sentence about what didn't happen in time.
 *
 * @template T
 * @param {Promise<T>} promise
 * @param {string} what completes "waited 3000 ms for …"
 * @returns {Promise<T>}
 */
export async function within(promise, what, ms = PATIENCE_MS) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms)
  })
  try {
    return await /** @type {Promise<T>} */ (Promise.race([promise, deadline]))
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Asks until the answer is truthy; for what tells nobody when it changes, such as an HTTP status.
 * An answer that is an error counts as "not yet".
 *
 * @template T
 * @param {() => Promise<T> | T} ask
 * @param {string} what
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(ask, what, ms = PATIENCE_MS) {
  const end = performance.now() + ms
  let last = ''
  for (;;) {
    try {
      const answer = await ask()
      if (answer) return answer
      last = JSON.stringify(answer)
    } catch (error) {
      last = String(error)
    }
    if (performance.now() > end) throw new Error(`waited ${ms} ms for ${what}; last answer: ${last}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
