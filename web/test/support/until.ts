/** Waits until `condition` holds; fails after `ms`, saying what was waited for. */
export async function until(condition: () => unknown, what: string, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
