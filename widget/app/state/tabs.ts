import type { State } from './state.ts'
import type { Reference } from './talks.ts'

export type Written = Pick<State, 'draft' | 'uploads'>

/** What is typed and not sent, and what was uploaded for it, is the same in all tabs; so is who the visitor is. */
type News = { readonly talk: Reference | null } | { readonly forgotten: true } | Partial<Written>

/** The other tabs of this visitor. */
export interface Tabs {
  tell(news: News): void
  close(): void
}

interface TabsPorts {
  talk(reference: Reference | null): void
  forgotten(): void
  written(written: Partial<Written>): void
}

export function openTabs(key: string, ports: TabsPorts): Tabs {
  let channel: BroadcastChannel | undefined
  try {
    channel = new BroadcastChannel(`parley:${key}`)
    channel.onmessage = ({ data }: MessageEvent<News>) => {
      if ('forgotten' in data) ports.forgotten()
      else if ('talk' in data) ports.talk(data.talk)
      else ports.written(data)
    }
  } catch {
    // Firefox counts it as storage: where that is blocked, each tab is on its own.
  }
  return { tell: news => channel?.postMessage(news), close: () => channel?.close() }
}
