/**
 * All that this browser keeps of the visitor goes. Tabs in which the chat is loaded hear of it by their open database, let go of it, and forget.
 * Where the browser blocks storage there is nothing.
 */
export const erase = (key: string): Promise<unknown> =>
  new Promise(done => {
    const name = `parley:${key}`
    const deleting = indexedDB.deleteDatabase(name)
    deleting.onsuccess = deleting.onerror = deleting.onblocked = done
    localStorage.removeItem(name)
  }).catch(() => undefined)
