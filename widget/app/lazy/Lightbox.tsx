import { useEffect, useState } from 'preact/hooks'
import { IconButton, useChat, useChatState, useFocusWhileOpen, useWords } from '../view/parts.tsx'
import { forgetLink, type Link, linkTo, nameOf } from './Attachment.tsx'

export const css = `
.light{position:fixed;inset:0;z-index:2147483001;display:grid;place-items:center;background:rgb(8 10 14/.9);animation:rise .16s ease-out}
.light:focus{outline:0}
.light img{display:block;max-width:94vw;max-height:86vh;object-fit:contain;border-radius:.5em}
.light .icon{color:#fff;background:rgb(0 0 0/.55);width:2.75em;height:2.75em}
.light .icon:focus-visible{outline-color:#fff}
.light div{position:absolute}
.light [role=status]{max-width:80vw;text-align:center;color:#fff}
.light .corner{inset-block-start:1em;inset-inline-end:1em}
.light .side{inset-block-start:calc(50% - 1.4em);inset-inline-start:1em}.light .next{inset-inline:auto 1em}
.light p{position:absolute;inset-block-end:1em;inset-inline:0;text-align:center;color:#fff;font-size:.875em}
`

export interface LightboxProps {
  readonly fileId: string
  readonly label: string
}

/** One picture over the whole page, and its neighbours by the arrow keys. */
export default function Lightbox({ fileId, label }: LightboxProps) {
  const chat = useChat()
  const words = useWords()
  const element = useFocusWhileOpen<HTMLDivElement>(true)
  const online = useChatState(state => state.connection.status === 'online')
  const [asked, setAsked] = useState<{ readonly fileId: string; readonly link?: Link | undefined }>()
  const failed = asked?.fileId === fileId && !asked.link
  const link = asked?.fileId === fileId ? asked.link : undefined
  const messages = useChatState(state => state.talk?.messages)
  const pictures = (messages ?? []).flatMap(({ parts, deleted }) =>
    deleted ? [] : parts.filter(({ type, fileId }) => type === 'image' && fileId),
  )
  const at = pictures.findIndex(part => part.fileId === fileId)
  useEffect(() => {
    let wanted = online && !link
    if (wanted) void linkTo(chat, fileId, failed).then(link => wanted && setAsked({ fileId, link }))
    return () => {
      wanted = false
    }
  }, [chat, fileId, online])
  const go = (step: number) => {
    const part = pictures[at + step]
    if (part) chat.show({ name: 'image', fileId: String(part.fileId), label: nameOf(part, words) })
  }
  const onKey = ({ key }: KeyboardEvent) => {
    const forward = words.rtl ? 'ArrowLeft' : 'ArrowRight'
    if (key === 'ArrowLeft' || key === 'ArrowRight') go(key === forward ? 1 : -1)
  }
  const away = () => chat.show(undefined)
  return (
    <div
      class="light"
      role="dialog"
      aria-modal="true"
      aria-label={label}
      tabIndex={-1}
      ref={element}
      onKeyDown={onKey}
      onClick={({ target, currentTarget }) => target === currentTarget && away()}
    >
      {link && (
        <img
          src={link.url}
          alt={label}
          width={link.width}
          height={link.height}
          onError={() => {
            forgetLink(fileId)
            setAsked({ fileId })
          }}
        />
      )}
      <div role="status">{online ? failed && words('wrong') : !link && words('reconnecting')}</div>
      <p>
        <bdi>{label}</bdi>
      </p>
      {at > 0 && (
        <div class="side">
          <IconButton icon="back" flip label={words('previous')} onClick={() => go(-1)} />
        </div>
      )}
      {at < pictures.length - 1 && (
        <div class="side next">
          <IconButton icon="M9 5l7 7-7 7" flip label={words('next')} onClick={() => go(1)} />
        </div>
      )}
      <div class="corner">
        <IconButton icon="close" label={words('back')} onClick={away} />
      </div>
    </div>
  )
}
