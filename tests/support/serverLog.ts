import { randomUUID } from 'node:crypto'
import type { Entry } from '../../src/protocol/index.ts'

export interface Writing {
  readonly sender: Entry['sender']
  readonly clientId: string
  readonly type: Entry['type']
  readonly text?: string
  readonly parentId?: string | undefined
}

/** One conversation's log as the protocol promises it, without a database: gapless, once per sender and client id. */
export class ServerLog {
  readonly id = randomUUID()
  entries: Entry[] = []

  get head(): number {
    return this.entries.length
  }

  append({ sender, clientId, type, text = '', parentId }: Writing): { entry: Entry; repeated: boolean } {
    const known = this.entries.find(entry => entry.sender.id === sender.id && entry.clientId === clientId)
    if (known) return { entry: known, repeated: true }
    const entry: Entry = {
      id: randomUUID(),
      seq: this.head + 1,
      type,
      role: sender.kind === 'contact' ? 'user' : 'assistant',
      parts: text === '' ? [] : [{ type: 'text', text }],
      text,
      sender,
      clientId,
      parentId: parentId ?? null,
      createdAt: new Date(0).toISOString(),
    }
    this.entries.push(entry)
    if (type === 'delete') this.#takeBack(entry.parentId)
    return { entry, repeated: false }
  }

  /** As a backup had it. */
  goBack(head: number): void {
    this.entries = this.entries.slice(0, head)
  }

  /** As the protocol reads pages: position first, then the rows as they are now. */
  page({ after, before, limit = 50 }: { after?: number; before?: number; limit?: number }) {
    const head = this.head
    if (after !== undefined) {
      const entries = this.entries.slice(after, after + limit)
      return { entries, head, more: after + entries.length < head }
    }
    const end = before === undefined ? head : Math.max(0, before - 1)
    const start = Math.max(0, end - limit)
    return { entries: this.entries.slice(start, end), head, more: start > 0 }
  }

  #takeBack(target: string | null): void {
    this.entries = this.entries.map(entry =>
      entry.id === target || (entry.type === 'edit' && entry.parentId === target)
        ? { ...entry, parts: [], text: '', deleted: true as const }
        : entry,
    )
  }
}
