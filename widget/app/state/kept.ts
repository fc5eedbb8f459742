import type { ClientStore } from '../../../src/client/index.ts'
import type { KeptVisitor } from './session.ts'

/** Which conversation is before the visitor. */
export const talkKey = 'talk'

/** A page on a slow device opens its database within this time, and one that does not answer holds nobody up for longer. */
const patienceMs = 5_000

interface KeptPorts {
  /** What is kept is of somebody else than who is here now. */
  isAnothers(visitor: KeptVisitor | undefined): boolean
  /** Whether a conversation goes on, so that the next page loads the chat at once. */
  goesOn(talk: boolean): void
  /** All of it was deleted, by another tab. */
  erased(): void
  /** It opened after everybody had gone on without it, and somebody was here before. */
  cameLate(): void
}

/**
 * What this browser keeps of one visitor. In memory alone until that is allowed, and where the browser refuses: then it lasts as long as the
 * page. A database that opens late gets what there is by then, and gives what it has.
 */
export class Kept {
  /** Closed, because the visitor was forgotten or the widget taken away: what still runs for them finds nothing and leaves nothing. */
  over = false
  readonly #name: string
  readonly #ports: KeptPorts
  readonly #memory = new Map<string, unknown>()
  #database: IDBDatabase | undefined
  #opening: Promise<void> | undefined
  #goesOn: boolean | undefined
  #late = false

  constructor(key: string, ports: KeptPorts) {
    this.#name = `parley:${key}`
    this.#ports = ports
  }

  /** From now on in the browser; what was in memory goes there, but never over what is kept from before. */
  allow(): Promise<void> {
    this.#opening ??= inTime(this.#open()).catch(() => {
      this.#late = true
    })
    return this.#opening
  }

  get goesOn(): boolean | undefined {
    return this.#goesOn
  }

  set goesOn(talk: boolean) {
    if (this.over || talk === this.#goesOn) return
    this.#goesOn = talk
    this.#tellLoader()
  }

  async get<Value>(key: string): Promise<Value | undefined> {
    await this.#opening
    const found = (await this.#run('readonly', store => store.get(key))) ?? this.#memory.get(key)
    return this.over ? undefined : (found as Value)
  }

  async set(key: string, value: unknown): Promise<void> {
    if (this.over) return
    this.#memory.set(key, value)
    if (key === talkKey) this.goesOn = true
    await this.#put(key, value)
  }

  /** It is not wanted back from this page; what is kept of it in the browser stays until it is written over. */
  forgetHere(key: string): void {
    this.#memory.delete(key)
  }

  async delete(key: string): Promise<void> {
    this.#memory.delete(key)
    if (key === talkKey) this.goesOn = false
    await this.#run('readwrite', store => store.delete(key))
  }

  async keys(): Promise<string[]> {
    await this.#opening
    const found = (await this.#run('readonly', store => store.getAllKeys())) ?? []
    return [...new Set([...this.#memory.keys(), ...found.map(String)])]
  }

  close(): void {
    this.over = true
    this.#memory.clear()
    this.#database?.close()
    this.#database = undefined
  }

  /** The part of it that belongs to the client of the log. */
  get clientStore(): ClientStore {
    const own = (key: string) => `client/${key}`
    return {
      get: key => this.get(own(key)),
      set: (key, value) => this.set(own(key), value),
      delete: key => this.delete(own(key)),
      keys: async () => (await this.keys()).filter(key => key.startsWith('client/')).map(key => key.slice(7)),
    }
  }

  async #open(): Promise<void> {
    const opening = indexedDB.open(this.#name)
    opening.onupgradeneeded = () => opening.result.createObjectStore('kept')
    const database = await answered(opening)
    // Another tab deletes it.
    database.onversionchange = () => {
      database.close()
      if (!this.over) this.#ports.erased()
    }
    const store = database.transaction('kept').objectStore('kept')
    const [visitor, keys] = await Promise.all([answered(store.get('visitor')), answered(store.getAllKeys())])
    if (this.over) return database.close()
    // From here to the end without a pause, so that nothing is written in between.
    this.#database = database
    const before = new Set(keys)
    if (this.#ports.isAnothers(visitor)) {
      before.clear()
      this.#goesOn ??= false
      void this.#run('readwrite', store => store.clear())
    }
    for (const [key, value] of this.#memory) if (!before.has(key)) void this.#put(key, value)
    this.#tellLoader()
    if (this.#late && before.has('visitor')) this.#ports.cameLate()
  }

  /** This one, and that of the next page, which opens no database: `1` for a conversation that goes on, `0` for less. */
  #tellLoader(): void {
    try {
      if (this.#database) {
        this.#goesOn ??= localStorage.getItem(this.#name) === '1'
        localStorage.setItem(this.#name, this.#goesOn ? '1' : '0')
      }
    } catch {
      // Blocked: the next page begins as if for the first time.
    }
    this.#ports.goesOn(!!this.#goesOn)
  }

  #put(key: string, value: unknown): Promise<unknown> {
    return this.#run('readwrite', store => store.put(value, key))
  }

  #run<Value>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<Value>) {
    return this.#ask(mode, act).catch(() => undefined)
  }

  async #ask<Value>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<Value>) {
    if (!this.#database) return undefined
    const transaction = this.#database.transaction('kept', mode)
    const answer = answered(act(transaction.objectStore('kept')))
    // At once: whoever closes the page now has it kept all the same.
    transaction.commit()
    return inTime(answer)
  }
}

const answered = <Value>(request: IDBRequest<Value>): Promise<Value> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

const inTime = <Value>(work: Promise<Value>): Promise<Value> =>
  Promise.race([
    work,
    new Promise<never>((_, reject) =>
      setTimeout(() => reject(new Error('The database does not answer.')), patienceMs),
    ),
  ])
