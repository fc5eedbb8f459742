import type { ProactiveRule } from '../../src/protocol/index.ts'
import type { Teaser } from '../app/contract.ts'
import { make } from '../loader/make.ts'
import type { Page } from '../loader/page.ts'
import { watchRules } from './rulesWatch.ts'
import { openShown } from './shown.ts'
import sheet from './teaser.css'

/** A proactive message, which the visitor may answer. */
export interface Greeting {
  readonly rule: string
  readonly text: string
}

/** Messages beside the launcher. Loaded only for widgets that have rules, or when there is something to show. */
export interface TeaserPart {
  /** What was said last while the chat was closed; undefined when it was read. */
  latest(teaser: Teaser | undefined): void
  check(): void
  restart(): void
  forget(): void
}

export type BeginTeaser = (page: Page, answer: () => void) => TeaserPart

export const begin: BeginTeaser = (page, answer) => {
  const { now, life } = page
  if (!now) throw new Error('there is no launcher yet')
  const shown = openShown(page.key)
  const { config, launcher } = now
  const styles = new CSSStyleSheet()
  styles.replaceSync(sheet)
  launcher.shadow.adoptedStyleSheets = [...launcher.shadow.adoptedStyleSheets, styles]

  const say = (text: string, author: string | undefined) => {
    const bubble = drawTeaser({ text, author, dismiss: config.spoken.dismiss })
    bubble.say.onclick = () => {
      shown.keep()
      answer()
    }
    bubble.hush.onclick = () => dismiss()
    launcher.told.onkeydown = ({ key }) => {
      if (key === 'Escape') dismiss()
    }
    launcher.told.replaceChildren(bubble.say, bubble.hush)
  }
  const dismiss = () => {
    page.greeting = undefined
    if (launcher.told.contains(launcher.shadow.activeElement)) launcher.button.focus({ preventScroll: true })
    launcher.told.replaceChildren()
    // They have done something in the widget: what is kept now spares them the same message on the next page.
    page.keeps = true
    shown.keep()
  }
  /** Nobody is spoken to who is talking already, or about to, or was told before. */
  const met = ({ id: rule, message, once }: ProactiveRule): boolean => {
    if (page.hidden || page.wanted || page.talking || page.greeting || shown.has(rule)) return false
    shown.add(rule, once)
    if (page.keeps) shown.keep()
    const text = config.spoken.proactive[rule] ?? message
    page.greeting = { rule, text }
    say(text, config.agent?.name)
    return true
  }
  const rules = config.behaviour.proactive
  const { check, restart } = watchRules({ rules, events: () => page.tracked, met }, life)
  return {
    latest(teaser) {
      if (page.wanted || page.greeting) return
      if (teaser) say(teaser.text, teaser.author)
      else launcher.told.replaceChildren()
    },
    check,
    restart,
    forget: shown.forget,
  }
}

interface Words {
  readonly text: string
  readonly author: string | undefined
  readonly dismiss: string
}

function drawTeaser({ text, author, dismiss }: Words) {
  const by = make('strong')
  by.textContent = author ?? ''
  const words = make('p')
  words.textContent = text
  const say = make('button', 'say', ...(author ? [by] : []), words)
  const hush = make('button', 'hush')
  hush.textContent = '×'
  hush.ariaLabel = dismiss
  return { say, hush }
}
