import type { Page } from 'playwright-core'

/** Everything that the widget keeps in this browser; asking leaves nothing behind. */
export const keptIn = (page: Page): Promise<Record<string, unknown>> =>
  page.evaluate<Record<string, unknown>>(`(async () => {
    const found = { ...localStorage }
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise((done, failed) => {
        Object.assign(indexedDB.open(name), { onsuccess: ({ target }) => done(target.result), onerror: failed })
      })
      const store = database.transaction('kept').objectStore('kept')
      const read = request => new Promise(done => { request.onsuccess = () => done(request.result) })
      const [keys, values] = await Promise.all([read(store.getAllKeys()), read(store.getAll())])
      keys.forEach((key, at) => { found['database: ' + key] = values[at] })
      database.close()
    }
    return found
  })()`)
