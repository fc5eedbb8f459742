import { isObject } from './failures.ts'
import type { Reference } from './logSync.ts'
import type { QueuedRecord } from './outbox.ts'
import type { ClientStore } from './ports.ts'
import type { Runtime } from './runtime.ts'

interface KeeperPorts {
  readonly runtime: Runtime
  readonly store: ClientStore
  fault(error: unknown): void
  /** What an earlier client, or another one on the same store, had open, and what it had queued there. */
  found(reference: Reference, record?: QueuedRecord): void
}

/**
 * Keeps in the store what must survive the page. Whatever the store does, fails, hangs or holds, endangers only what is in it: that is told as a
 * fault, and nothing waits for the store for long.
 */
export class Keeper {
  readonly #ports: KeeperPorts
  /** One after the other for each key: a deletion must not overtake the record it deletes. */
  readonly #writes = new Map<string, Promise<void>>()
  #restoring: Promise<void> | undefined
  #restored = false
  /** What needs no restoring: it was, or it is this client's own. Only until everything is restored. */
  readonly #known = new Set<string>()
  /** It did not answer in time, and has not answered since. */
  #silent = false

  constructor(ports: KeeperPorts) {
    this.#ports = ports
  }

  /** Ends when the record is kept; or cannot be, or not for now. */
  save(reference: Reference, record: QueuedRecord): Promise<void> {
    const written = this.#write(outboxKey(record), (store, key) => store.set(key, { reference, record }))
    return this.#silent ? Promise.resolve() : this.#inTime(written).catch(this.#ports.fault)
  }

  forget(record: QueuedRecord): void {
    void this.#write(outboxKey(record), (store, key) => store.delete(key))
  }

  remember(reference: Reference): void {
    void this.#write(openKey(reference), (store, key) => store.set(key, reference))
  }

  drop(reference: Reference): void {
    void this.#write(openKey(reference), (store, key) => store.delete(key))
  }

  /** Waits a moment for what the store holds; what comes later is found later. What failed is tried again at the next call. */
  async restore(): Promise<void> {
    if (this.#restored) return
    this.#restoring ??= this.#readAll()
      .catch(this.#ports.fault)
      .finally(() => {
        this.#restoring = undefined
      })
    if (!this.#silent) await this.#inTime(this.#restoring).catch(this.#ports.fault)
  }

  #write(key: string, change: (store: ClientStore, key: string) => Promise<unknown>): Promise<void> {
    if (!this.#restored) this.#known.add(key)
    const written: Promise<void> = (this.#writes.get(key) ?? Promise.resolve())
      .then(() => change(this.#ports.store, key))
      .then(() => undefined, this.#ports.fault)
      .finally(() => {
        this.#silent = false
        if (this.#writes.get(key) === written) this.#writes.delete(key)
      })
    this.#writes.set(key, written)
    return written
  }

  /** Keys sort as what they name was queued, and conversations before what is queued in them. */
  async #readAll(): Promise<void> {
    let failed = false
    const keys = [...(await this.#ports.store.keys())].sort()
    this.#silent = false
    for (const key of keys) {
      if (this.#known.has(key)) continue
      try {
        await this.#read(key)
        this.#known.add(key)
      } catch (error) {
        failed = true
        this.#ports.fault(error)
      }
    }
    if (failed) return
    this.#restored = true
    this.#known.clear()
  }

  /** Another client on this store may have sent it meanwhile, so there may be nothing. */
  async #read(key: string): Promise<void> {
    const isOpen = key.startsWith(openPrefix)
    if (!isOpen && !key.startsWith(outboxPrefix)) return
    const value = await this.#inTime(this.#ports.store.get(key))
    if (value === undefined || value === null) return
    if (isOpen && isReference(value)) this.#ports.found(value)
    else if (!isOpen && isSaved(value)) this.#ports.found(value.reference, value.record)
    // Not deleted: it may make sense to another version of this client.
    else this.#ports.fault(new Error(`What the store holds as ${key} cannot be understood.`))
  }

  #inTime<Value>(work: Promise<Value>): Promise<Value> {
    const { runtime } = this.#ports
    return new Promise((resolve, reject) => {
      const cancel = runtime.after(runtime.settings.storePatienceMs, () => {
        this.#silent = true
        reject(new Error('The store does not answer.'))
      })
      work.finally(cancel).then(resolve, reject)
    })
  }
}

interface SavedMessage {
  readonly reference: Reference
  readonly record: QueuedRecord
}

const openPrefix = 'open/'
const outboxPrefix = 'outbox/'
const openKey = ({ id, clientId }: Reference) => `${openPrefix}${clientId ?? id}`
const outboxKey = ({ order, clientId }: QueuedRecord) => `${outboxPrefix}${order}/${clientId}`

const written: readonly unknown[] = ['message.send', 'message.edit', 'conversation.reply']
const isText = (value: unknown) => typeof value === 'string'

const isReference = (value: unknown): value is Reference => {
  if (!isObject(value)) return false
  const names = [value.id, value.clientId].filter(name => name !== undefined)
  const beginning = [value.greeting, value.language].filter(word => word !== undefined)
  return names.length > 0 && [...names, ...beginning].every(isText)
}

/** As far as this client would stumble over it: whatever else is wrong with it the server says. */
const isSaved = (value: unknown): value is SavedMessage => {
  if (!isObject(value) || !isObject(value.record)) return false
  const { command, clientId, order, createdAt, input } = value.record
  if (![clientId, order, createdAt].every(isText) || !isReference(value.reference)) return false
  if (!isObject(input)) return false
  if (command === 'message.delete') return isText(input.messageId)
  return written.includes(command) && Array.isArray(input.parts) && input.parts.every(isObject)
}
