/** What stays between visits, in IndexedDB: known nodes and, where asked for, the identity. */

const STORE = 'values'

/** Undefined where there is no IndexedDB, or it is closed to this page (private windows). */
export async function load(key: string): Promise<unknown> {
  try {
    return await run('readonly', (store) => store.get(key))
  } catch {
    return undefined
  }
}

/** Rejects where nothing can be kept. */
export async function save(key: string, value: unknown): Promise<void> {
  await run('readwrite', (store) => store.put(value, key))
}

function run<T>(
  mode: IDBTransactionMode,
  request: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('velox', 1)
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE)
    opening.onerror = () => reject(opening.error!)
    opening.onsuccess = () => {
      const database = opening.result
      const transaction = database.transaction(STORE, mode)
      const done = request(transaction.objectStore(STORE))
      transaction.oncomplete = () => {
        database.close()
        resolve(done.result)
      }
      transaction.onabort = () => {
        database.close()
        reject(transaction.error!)
      }
    }
  })
}
