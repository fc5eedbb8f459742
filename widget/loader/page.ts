import type { WidgetConfig } from '../../src/protocol/index.ts'
import type { App } from '../app/contract.ts'
import type { Attributes, ParleyEvents } from '../module/parley.d.ts'
import type { Greeting, TeaserPart } from '../teaser/main.ts'
import type { Launcher } from './launcher.ts'
import { warn } from './warn.ts'

/** All that is known of the widget on this page. */
export interface Page {
  readonly origin: string
  readonly key: string
  readonly colourScheme?: 'auto' | 'light' | 'dark' | undefined
  readonly events: EventTarget
  /** Ends with `destroy`, and with it every listener and timer. */
  readonly life: AbortSignal
  /** As soon as the server has said what the widget is. It is asked at once, and not when the page is idle. */
  draw(): Promise<Drawn>

  /** What the page has said so far. */
  language?: string
  identity?: string | undefined
  attributes: Attributes
  consent?: boolean
  hidden?: boolean
  /** What it has told by `track` since it became this page. */
  tracked: string[]

  now?: Drawn
  app?: App
  loading?: Promise<App> | undefined
  teaser?: TeaserPart
  attempts: number
  /** The chat is to be open as soon as that is possible. */
  wanted?: boolean
  /** A conversation runs; nobody is spoken to meanwhile. */
  talking?: boolean
  /** Things may be kept in the browser. */
  keeps?: boolean
  /** What waits beside the launcher for an answer. */
  greeting?: Greeting | undefined
}

export interface Drawn {
  config: WidgetConfig
  readonly launcher: Launcher
}

/**
 * A listener that throws is reported as the browser reports those of its own events, and holds up nobody. Of an error the console hears as well,
 * where nobody listens.
 */
export function emit<Name extends keyof ParleyEvents>(
  { events }: Page,
  name: Name,
  detail?: ParleyEvents[Name],
): void {
  if (name === 'error') warn((detail as ParleyEvents['error']).message)
  events.dispatchEvent(new CustomEvent(name, { detail }))
}

export const fail = (page: Page, code: string, message: string): void =>
  emit(page, 'error', { code, message })

/** Agents are told where the visitor is, if that is allowed; the app forgets it, if it is no more. */
export function tellAddress({ app, now, consent }: Page, referrer = document.referrer): void {
  const setting = now?.config.behaviour.pageContext
  const allowed = setting === 'always' || (setting === 'consent' && !!consent)
  app?.pageChanged(allowed && { url: location.href, title: document.title, referrer })
}

/** What the app has left behind: `1` for a conversation, anything else for less. A browser that blocks storage throws already when it is named. */
export function leftBehind(key: string): string | null | undefined {
  try {
    return localStorage.getItem(`parley:${key}`)
  } catch {
    return undefined
  }
}
