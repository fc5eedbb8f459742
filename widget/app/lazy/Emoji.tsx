import { useEffect } from 'preact/hooks'
import { useChat, useFocusWhileOpen, useWords } from '../view/parts.tsx'

export const css = `
.emoji{position:absolute;z-index:2;inset-block-end:calc(100% - .3em);inset-inline:.75em;max-height:15em;overflow:auto;display:grid;grid-template-columns:repeat(auto-fill,minmax(2.5em,1fr));padding:.5em;border:1px solid var(--line);border-radius:1em;background:var(--bg);box-shadow:0 .8em 2.5em -.5em rgb(10 14 24/.35)}
.emoji:focus{outline:0}
.emoji button{display:grid;place-items:center;height:2.1em;font-size:1.2em;border-radius:.5em}
.emoji button:hover,.emoji button:focus-visible{background:var(--soft);outline-offset:-2px}
`

const all = [
  ...'😀😃😄😁😅😂🙂😉😊😍🥰😘😋😎🤩🥳🤔🤨😐😑😶🙄😏😬😌😔😴😷🤒😕🙁😮😲😳🥺😢😭😤😡🤯😱🤗🤭🤫🤝👍👎👌👋🙏👏💪🤞👀',
  ...'✅❌❓❗⭐🔥🎉🎁💡💯💬📎📷📦🚚🏠🛒💳💶📅⏰📞📧🔒🔑🌍🌞🌈🍀☕🍕🎵⚽🚗💚💙💛🧡💜🖤',
  ...['❤️', '✌️', '☹️', '✈️', '⚠️', '☀️'],
]

/** The usual ones; everything else comes from the keyboard. */
export default function Emoji({ pick }: { pick: (emoji: string) => void }) {
  const chat = useChat()
  const words = useWords()
  const element = useFocusWhileOpen<HTMLDivElement>()
  const buttons = () => [...(element.current?.querySelectorAll('button') ?? [])]
  useEffect(() => buttons()[0]?.focus(), [])
  const move = (event: KeyboardEvent) => {
    const found = buttons()
    const at = found.indexOf(event.target as HTMLButtonElement)
    const perRow = found.findIndex(({ offsetTop }) => offsetTop > (found[0]?.offsetTop ?? 0))
    const row = perRow < 1 ? found.length : perRow
    const side = words.rtl ? -1 : 1
    const steps: Readonly<Record<string, number>> = {
      ...{ ArrowRight: side, ArrowLeft: -side, ArrowDown: row, ArrowUp: -row },
    }
    const step = steps[event.key]
    if (step === undefined) return
    event.preventDefault()
    found[at + step]?.focus()
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset draws a frame of its own
    <div class="emoji" role="group" aria-label={words('emoji')} tabIndex={-1} ref={element} onKeyDown={move}>
      {all.map((emoji, at) => (
        <button
          type="button"
          key={emoji}
          tabIndex={at === 0 ? 0 : -1}
          onClick={() => {
            chat.show(undefined)
            pick(emoji)
          }}
        >
          {emoji}
        </button>
      ))}
    </div>
  )
}
