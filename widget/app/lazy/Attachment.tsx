import { useEffect, useState } from 'preact/hooks'
import type { CommandOutput, Entry } from '../../../src/protocol/index.ts'
import type { Chat } from '../state/chat.ts'
import type { Words } from '../state/words.ts'
import { Icon, undirected, useChat, useChatState } from '../view/parts.tsx'

export const css = `
.picture{display:block;overflow:hidden;max-width:100%;border-radius:1.1em;background:var(--soft);line-height:0}
.picture img{display:block;max-width:100%;max-height:17em;object-fit:cover}
.fileCard{display:flex;align-items:center;gap:.65em;max-width:100%;padding:.55em .85em;border-radius:1.1em;background:var(--soft);color:var(--text);text-decoration:none;font-size:.875em;border:0}
.fileCard span{min-width:0;overflow-wrap:anywhere}
`

export type Link = CommandOutput<'file.link'>

/** Links last for ten minutes; measured here, because the clock of the browser may be wrong. */
const linkMs = 8 * 60_000
const links = new Map<string, { readonly until: number; readonly link: Promise<Link | undefined> }>()

export function linkTo(chat: Chat, fileId: string, anew = false): Promise<Link | undefined> {
  const known = links.get(fileId)
  if (known && known.until > performance.now() && !anew) return known.link
  const link = chat.client.request('file.link', { fileId }).then(answer => {
    if (answer.ok) return answer.value
    links.delete(fileId)
    return undefined
  })
  links.set(fileId, { until: performance.now() + linkMs, link })
  return link
}

/** It leads nowhere. */
export const forgetLink = (fileId: string): boolean => links.delete(fileId)

type Part = Entry['parts'][number]

export const nameOf = ({ name, type }: Part, words: Words): string =>
  undirected(typeof name === 'string' ? name : '') || words(type === 'image' ? 'image' : 'file')

export interface AttachmentProps {
  readonly part: Part
  readonly words: Words
}

export default function Attachment({ part, words }: AttachmentProps) {
  const chat = useChat()
  const fileId = String(part.fileId)
  const isImage = part.type === 'image'
  const name = nameOf(part, words)
  const online = useChatState(state => state.connection.status === 'online')
  const [link, setLink] = useState<Link>()
  const [tries, setTries] = useState(0)
  useEffect(() => {
    let wanted = isImage && online && tries < 3
    if (wanted) void linkTo(chat, fileId, tries > 0).then(found => wanted && found && setLink(found))
    return () => {
      wanted = false
    }
  }, [chat, fileId, isImage, online, tries])
  if (isImage && tries < 3)
    return (
      <button
        type="button"
        class="picture"
        aria-label={words('enlarge', { name })}
        onClick={() => chat.show({ name: 'image', fileId, label: name })}
      >
        <img
          {...(link && { src: link.thumbnailUrl ?? link.url })}
          {...sizeOf(link)}
          alt=""
          onError={() => setTries(tries + 1)}
        />
      </button>
    )
  const download = async () => {
    const found = await linkTo(chat, fileId, true)
    if (found) saveAs(found.url, name)
    else chat.store.set({ notice: words('wrong') })
  }
  return (
    <button
      type="button"
      class="fileCard"
      aria-label={words('download', { name })}
      onClick={() => void download()}
    >
      <Icon name="file" />
      <span>
        <bdi>{name}</bdi>
      </span>
      <Icon name="down" />
    </button>
  )
}

/** As it will be drawn, so that nothing moves when it comes. */
function sizeOf(link: Link | undefined) {
  const { width = 240, height = 160 } = link ?? {}
  const scale = Math.min(1, 260 / width, 270 / height)
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) }
}

function saveAs(url: string, name: string): void {
  const anchor = document.createElement('a')
  Object.assign(anchor, { href: url, download: name, target: '_blank', rel: 'noopener noreferrer' })
  anchor.click()
}
