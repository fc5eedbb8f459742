/**
 * All that this browser keeps of the visitor goes. Tabs in which the chat is loaded hear of it by their open database, let go of it, and forget.
 * Where the browser blocks storage there is nothing; it may block each kind alone.
 */
export const erase = (key: string): Promise<unknown> => {
  const name = `parley:${key}`
  void attempt(() => sessionStorage.removeItem(`${name}:shown`))
  void attempt(() => localStorage.removeItem(`${name}:shown`))
  void attempt(() => localStorage.removeItem(name))
  return attempt(done => {
    const deleting = indexedDB.deleteDatabase(name)
    deleting.onsuccess = deleting.onerror = deleting.onblocked = done
  })
}

const attempt = (work: (done: (event: unknown) => void) => void): Promise<unknown> =>
  new Promise(work).catch(() => undefined)
