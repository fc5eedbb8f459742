import type { VisitedPage } from '../contacts/index.ts'

interface Waiting {
  readonly page: VisitedPage
  readonly timer: NodeJS.Timeout
}

/** For longer a page says nothing about what is asked. */
const keptMs = 30 * 60_000
/** Of visitors on one node who have said nothing yet: of one workspace, and of all. */
const most = { ofOne: 1_000, ofAll: 10_000 }

/** The last page of each visitor, for a while. A busy site pushes out its own before those of others. */
export class WaitingPages {
  /** By workspace and visitor, each with the oldest first. */
  readonly #tenants = new Map<string, Map<string, Waiting>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  keep(tenantId: string, contactId: string, page: VisitedPage): void {
    this.take(tenantId, contactId)
    if ((this.#tenants.get(tenantId)?.size ?? 0) >= most.ofOne) this.#dropOldest(tenantId)
    else if (this.#size >= most.ofAll) this.#dropOldest(this.#fullest())
    const pages = this.#tenants.get(tenantId) ?? new Map<string, Waiting>()
    this.#tenants.set(tenantId, pages)
    const timer = setTimeout(() => this.take(tenantId, contactId), keptMs)
    timer.unref()
    pages.set(contactId, { page, timer })
    this.#size++
  }

  /** It waits no longer. */
  take(tenantId: string, contactId: string): VisitedPage | undefined {
    const pages = this.#tenants.get(tenantId)
    const waiting = pages?.get(contactId)
    if (!pages || !waiting) return undefined
    clearTimeout(waiting.timer)
    pages.delete(contactId)
    if (pages.size === 0) this.#tenants.delete(tenantId)
    this.#size--
    return waiting.page
  }

  #dropOldest(tenantId: string): void {
    const [oldest] = this.#tenants.get(tenantId)?.keys() ?? []
    if (oldest !== undefined) this.take(tenantId, oldest)
  }

  #fullest(): string {
    let fullest = ''
    for (const [tenantId, { size }] of this.#tenants)
      if (size > (this.#tenants.get(fullest)?.size ?? 0)) fullest = tenantId
    return fullest
  }
}
