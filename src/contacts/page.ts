import { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import { inOnePiece, type Scope } from '../kernel/index.ts'
import type { CommandInput } from '../protocol/index.ts'
import { writePage } from './store.ts'

/** Where a visitor was last, as it is kept with their contact. */
export interface VisitedPage {
  readonly url: string
  readonly title: string | null
  /** Where they came from, without what stood behind the path. */
  readonly referrer: string | null
  readonly language: string | null
  readonly timezone: string | null
  readonly at: string
}

/** Notes it with the contact, if there is one. It is not in the audit trail: nobody has changed anything, and it happens with every click. */
export const notePage = async (
  scope: Scope,
  tx: Transaction,
  contactId: string,
  page: VisitedPage,
): Promise<boolean> => (await writePage(tx, scope, contactId, page)).length > 0

/** As a visitor's page says it, without what might be a secret. */
export const pageFrom = (said: CommandInput<'visitor.page'>, now: Date): VisitedPage => ({
  url: withoutSecrets(said.url),
  title: plain(said.title),
  referrer: said.referrer !== undefined && URL.canParse(said.referrer) ? pathOf(said.referrer) : null,
  language: plain(said.language),
  timezone: plain(said.timezone),
  at: now.toISOString(),
})

const telling =
  /token|secret|passw|session|jwt|nonce|mail|phone|invit|auth(?!or)|code$|(^|[_-])(key|apikey|sid|sig|signature|otp|state|user|username|pin)$/i
const longestValue = 100
const longestAddress = 1_000
const longestReferrer = 500

/**
 * Which product, which page of a list, stands behind the question mark; and so do tokens of mails and sign-ins. Parameters that are named like
 * a secret or a person, or look like one, are left out, and so are the fragment and a password before the host.
 */
function withoutSecrets(address: string): string {
  const url = new URL(address)
  url.hash = ''
  url.username = ''
  url.password = ''
  for (const [name, value] of [...url.searchParams])
    if (telling.test(name) || value.includes('@') || [name, value].some(looksSecret))
      url.searchParams.delete(name)
  // What is cut off somewhere leads nowhere; without the query at least to the same place.
  if (url.href.length > longestAddress) url.search = ''
  return inOnePiece(url.href.slice(0, longestAddress))
}

/** Words and numbers are shorter, or are set apart from each other. */
const shortestToken = 20
/** A size, or the name of a model, is mixed as well: `10x15`, `s24`. */
const shortestMixed = 8

/** Like what nobody is to guess: very long, or so many characters that are no words. */
function looksSecret(text: string): boolean {
  if (text.length < shortestToken) return false
  if (text.length > longestValue || /^(?=.*[a-f])[\da-f-]+$/i.test(text)) return true
  const runs = text.match(/[\p{L}\p{N}]+/gu) ?? []
  // Base64 has dashes here and there, and names of pages are seldom of all three kinds.
  if (/\p{Ll}/u.test(text) && /\p{Lu}/u.test(text) && /\d/.test(text) && areMixed(runs)) return true
  const drawn = runs.filter(
    run =>
      (run.length >= shortestToken && /\d/.test(run)) || (run.length >= shortestMixed && areMixed([run])),
  )
  return drawn.join('').length >= shortestToken
}

/** What people write seldom goes from letters to digits, to and fro, or has capitals within a word. */
function areMixed(runs: readonly string[]): boolean {
  const changes = /\p{L}(?=\p{N})|\p{N}(?=\p{L})|\p{Ll}(?=\p{Lu})/gu
  return runs.flatMap(run => run.match(changes) ?? []).length >= 0.2 * runs.join('').length
}

function pathOf(address: string): string | null {
  const { protocol, host, pathname } = new URL(address)
  return /^https?:$/.test(protocol) ? `${protocol}//${host}${pathname}`.slice(0, longestReferrer) : null
}

/** In one line, of characters that can be kept. */
const plain = (text: string | undefined): string | null =>
  text
    ?.toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim() || null

const storedSchema = z.object({ url: z.string(), title: z.string().nullish(), at: z.iso.datetime() })

/** Of two that were stored the one they were on last; of what is no page, the second. */
export function laterPage(one: unknown, other: unknown): unknown {
  const at = (page: unknown) => storedSchema.safeParse(page).data?.at ?? ''
  return at(one) > at(other) ? one : (other ?? one)
}

/** For so long a page says something about what is asked. */
const freshMs = 30 * 60_000

/** Where a visitor is now, in the words of a contact's card; a workspace may have kept something else under this name. */
export function pageCard(stored: unknown, now: Date): Record<string, string> {
  const page = storedSchema.safeParse(stored)
  if (!page.success || now.getTime() - Date.parse(page.data.at) > freshMs) return {}
  const { url, title } = page.data
  return { page: url, ...(title ? { 'page title': title } : {}) }
}
