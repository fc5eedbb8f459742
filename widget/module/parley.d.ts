/** What `widget.js` puts on a page as `window.Parley`, and what `createParley` of `widget.mjs` returns. */

export type Attributes = Readonly<Record<string, string | number | boolean | null>>

export interface ParleyEvents {
  /** The launcher is there. Whoever listens later is told at once. */
  ready: undefined
  open: undefined
  close: undefined
  /** How many messages are unread. */
  unread: number
  /** The words of others stay with the visitor: only what they wrote themselves has its text. */
  message: { readonly direction: 'sent' | 'received'; readonly id: string; readonly text?: string }
  /** The visitor was handed over to people. */
  escalated: undefined
  rated: { readonly rating: number }
  error: { readonly code: string; readonly message: string }
}

export interface ParleyMethods {
  open(): void
  close(): void
  toggle(): void
  isOpen(): boolean
  /** The launcher; the chat can still be opened by `open`. */
  show(): void
  hide(): void
  /** A JSON Web Token that your server signed: who this visitor is. */
  identify(token: string): Promise<void>
  /** Forgets everything that is kept in this browser. Call it when somebody signs out of your site. */
  logout(): Promise<void>
  /** A language such as `de` or `pt-BR`. */
  setLocale(language: string): void
  /** What agents should know of this visitor. Anybody can say anything here: nothing of it is proved. */
  setAttributes(attributes: Attributes): void
  /** Whether agents may see which page the visitor is on, where the widget's settings ask for consent. */
  setConsent(given: boolean): void
  /** An event of yours, for proactive messages. */
  track(event: string): void
  /** Opens the chat with this text in the composer; the visitor sends it, or does not. */
  message(text?: string): void
  /** Returns a function that ends it. */
  on<Name extends keyof ParleyEvents>(event: Name, listener: (told: ParleyEvents[Name]) => void): () => void
  /** Takes everything from the page. */
  destroy(): void
}

/** Each method can be called as `Parley.open()` and as `Parley('open')`; the second way works before the script is there, too. */
export interface Parley extends ParleyMethods {
  <Name extends keyof ParleyMethods>(
    method: Name,
    ...rest: Parameters<ParleyMethods[Name]>
  ): ReturnType<ParleyMethods[Name]>
  (method: 'on', event: keyof ParleyEvents, listener: (told: never) => void): () => void
}

export interface ParleyOptions {
  /** The public key of the widget. */
  readonly widget: string
  /** Where Parley is, if not where this module came from. */
  readonly host?: string
  /** In place of the page's, the browser's and the widget's own. */
  readonly language?: string
  /** In place of what the widget's settings say. */
  readonly colourScheme?: 'auto' | 'light' | 'dark'
}

/** The widget without its tag. It puts nothing on `window`. */
export function createParley(options: ParleyOptions): Parley

declare global {
  interface Window {
    Parley?: Parley
  }
}
