import type { WidgetConfig } from '../../src/protocol/index.ts'

/** What the app tells the loader, which makes events of the page out of it and draws the launcher. */
export type PageEvent =
  | { readonly type: 'open' | 'close' | 'escalated' }
  /**
   * For the loader alone. `keeps`: the visitor did something in the widget, so that from now on it may keep things in the browser. `talking`: a
   * conversation goes on, or no more; while it does, nobody is spoken to unasked.
   */
  | { readonly type: 'known'; readonly keeps?: true; readonly talking?: boolean }
  /** `latest` is for the launcher's teaser and not for the page. */
  | { readonly type: 'unread'; readonly count: number; readonly latest?: Teaser }
  /** The words of others stay with the visitor: only what they wrote themselves has its text. */
  | {
      readonly type: 'message'
      readonly direction: 'sent' | 'received'
      readonly id: string
      readonly text?: string
    }
  | { readonly type: 'rated'; readonly rating: number }
  | { readonly type: 'error'; readonly code: string; readonly message: string }

export interface Teaser {
  readonly author: string
  readonly text: string
}

export interface Boot {
  /** Of the Parley server. */
  readonly origin: string
  /** The public key of the widget. */
  readonly key: string
  readonly config: WidgetConfig
  /** Where to draw. The launcher is drawn by the loader, in an element of its own. */
  readonly shadow: ShadowRoot
  /** Said explicitly, by `data-language` or `setLocale`. */
  readonly language?: string | undefined
  /** A token of `identify`, if it was given already. */
  readonly identity?: string | undefined
  /** Storage is allowed already: by setting, or because something is kept from before. */
  readonly keeps: boolean
  tell(event: PageEvent): void
}

export interface OpenOptions {
  /** Put into the composer, unless something is written there already. */
  readonly text?: string | undefined
  /** The proactive message that the visitor answers. */
  readonly greeting?: { readonly rule: string; readonly text: string } | undefined
}

export interface App {
  /** Fails where nothing can be drawn, so that the launcher stays; the next call tries again. */
  open(options?: OpenOptions): Promise<void>
  close(): void
  readonly isOpen: boolean
  identify(jwt: string): Promise<void>
  /** Forgets everything that is kept in this browser, ends the connection, and begins as a new visitor when it is opened again. */
  logout(): Promise<void>
  setLocale(tag: string): void
  setAttributes(attributes: Readonly<Record<string, string | number | boolean | null>>): void
  /** False: consent does not allow it, or no more. */
  pageChanged(page: { readonly url: string; readonly title: string; readonly referrer: string } | false): void
  destroy(): void
}

/** What the module of the app exports as `mount`. */
export type Mount = (boot: Boot) => App
