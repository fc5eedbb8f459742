import type { Problem, WidgetConfig } from '../../src/protocol/index.ts'
import type { Mount } from '../app/contract.ts'
import type { BeginTeaser } from '../teaser/main.ts'
import type { Page } from './page.ts'

/** By the build: these names change with what is in the files. */
declare const APP_FILE: string
declare const TEASER_FILE: string

/**
 * The widget as the server has it, or why there is none: the server's own words, which say what to do. The languages are in their order: said
 * explicitly, of the page, of the browser; the tenant's own comes last and is known there.
 */
export async function readConfig({
  origin,
  key,
  language,
  life: signal,
}: Page): Promise<WidgetConfig | Pick<Problem, 'code' | 'detail' | 'retryable'>> {
  const languages = [language, document.documentElement.lang, ...navigator.languages].filter(Boolean)
  try {
    const address = `${origin}/api/v1/visitor/widgets/${key}?languages=${encodeURIComponent(`${languages}`)}`
    const answer = await (await fetch(address, { credentials: 'omit', signal })).json()
    // What stands between may answer in its own words, which say nothing of the widget.
    if ('spoken' in answer || 'retryable' in answer) return answer
  } catch {
    // Offline, a name without an address, the page's own policy: the browser tells its console more than it tells us.
  }
  return { code: 'unavailable', detail: `${origin} cannot be reached.`, retryable: true }
}

/**
 * While a new version is brought to several servers this script may be older or newer than what the one that is asked has; its app is then
 * under a name that never changes. Browsers remember what failed, hence the number of the attempt.
 */
export const importApp = ({ origin, attempts }: Page): Promise<{ mount: Mount }> =>
  load(origin, APP_FILE, attempts).catch(() => load(origin, 'app.js', attempts))

export const importTeaser = ({ origin }: Page): Promise<{ begin: BeginTeaser }> =>
  load(origin, TEASER_FILE, 0)

const load = (origin: string, file: string, attempt: number) => import(`${origin}/widget/${file}?${attempt}`)
