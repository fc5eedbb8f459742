import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { partLimits } from '../state/limits.ts'
import { Icon, IconButton, later, useChat, useChatState, useWords } from './parts.tsx'

const Files = later('files', () => import('../lazy/Files.tsx'))
const Emoji = later<{ pick: (emoji: string) => void }>('emoji', () => import('../lazy/Emoji.tsx'))

/** Characters left at which screen readers say so; from the last on it is shown with every key. */
const steps = [-1, 0, 20, 100, 499]

export function Composer() {
  const chat = useChat()
  const words = useWords()
  const draft = useChatState(state => state.draft)
  const uploads = useChatState(state => state.uploads)
  const notice = useChatState(state => state.notice)
  const picking = useChatState(state => state.sheet?.name === 'emoji')
  const field = useRef<HTMLTextAreaElement>(null)
  useGrowing(field, draft)
  const turn = useChatState(state => state.turn)
  useEffect(() => field.current?.focus({ preventScroll: true }), [turn])
  const over = draft.length - partLimits.text
  const step = steps.find(most => -over <= most)
  const room = step !== undefined && words(over > 0 ? 'tooLong' : 'left', { count: Math.abs(over) })
  // With each step, and not again with each key.
  const said = useMemo(() => room, [step])
  const busy = uploads.some(({ fileId }) => !fileId)
  const empty = !draft.trim() && uploads.length === 0
  const send = () => {
    if (!empty && !busy && over <= 0) void chat.say()
    field.current?.focus()
  }
  const insert = (emoji: string) => {
    const { selectionStart: from = draft.length, selectionEnd: to = from } = field.current ?? {}
    chat.write(draft.slice(0, from) + emoji + draft.slice(to))
    field.current?.focus()
    requestAnimationFrame(() => field.current?.setSelectionRange(from + emoji.length, from + emoji.length))
  }
  return (
    <div class="foot">
      {picking && <Emoji pick={insert} />}
      <p class="notice" role="alert">
        {notice}
      </p>
      <div class="box">
        {uploads.length > 0 && <Files uploads={uploads} />}
        <textarea
          ref={field}
          rows={1}
          dir={draft ? 'auto' : words.rtl ? 'rtl' : 'ltr'}
          value={draft}
          placeholder={words('write')}
          aria-label={words('write')}
          aria-invalid={over > 0}
          enterkeyhint="send"
          onInput={event => chat.write(event.currentTarget.value)}
          onKeyDown={event => {
            // While an input method composes, Enter chooses a word; Safari tells by the code alone.
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
            event.preventDefault()
            send()
          }}
          onPaste={event => {
            const files = event.clipboardData?.files
            if (!files?.length || !chat.boot.config.chatWindow.attachments) return
            event.preventDefault()
            const pasted = [...files]
            void chat.withUploads(all => all.add(pasted))
          }}
        />
        <div class="tools">
          <Tools picking={picking} />
          <span class={over > 0 ? 'space bad' : 'space'}>{room}</span>
          <span class="hidden" role="status">
            {said}
          </span>
          <button
            type="button"
            class="send"
            aria-label={words('send')}
            disabled={empty || busy || over > 0}
            onClick={send}
          >
            <Icon name="send" />
          </button>
        </div>
      </div>
    </div>
  )
}

function Tools({ picking }: { readonly picking: boolean }) {
  const chat = useChat()
  const words = useWords()
  const input = useRef<HTMLInputElement>(null)
  const { emoji, attachments } = chat.boot.config.chatWindow
  return (
    <>
      {attachments && (
        <>
          <IconButton icon="clip" label={words('attach')} onClick={() => input.current?.click()} />
          <input
            ref={input}
            type="file"
            multiple
            hidden
            accept={chat.boot.config.files.types.join(',')}
            onChange={event => {
              const files = [...(event.currentTarget.files ?? [])]
              void chat.withUploads(uploads => uploads.add(files))
              event.currentTarget.value = ''
            }}
          />
        </>
      )}
      {emoji && (
        <IconButton
          icon="smile"
          label={words('emoji')}
          expanded={picking}
          onClick={() => chat.show(picking ? undefined : { name: 'emoji' })}
        />
      )}
    </>
  )
}

function useGrowing(field: { readonly current: HTMLTextAreaElement | null }, draft: string): void {
  useLayoutEffect(() => {
    const { current } = field
    if (!current) return
    current.style.height = 'auto'
    current.style.height = `${current.scrollHeight + 2}px`
  }, [field, draft])
}
