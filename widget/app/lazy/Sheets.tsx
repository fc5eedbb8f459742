import type { Sheet } from '../state/state.ts'
import { Attached, Form, IconButton, later, useChat, useFocusWhileOpen, useWords } from '../view/parts.tsx'
import type { CitationProps } from './Citation.tsx'
import { Menu } from './Menu.tsx'

const Read = later<CitationProps | object>('read', () => import('./Read.tsx'))

export const css = `
.sheet{position:absolute;inset:0;z-index:3;display:flex;flex-direction:column;background:var(--bg);animation:rise .18s ease-out}
.sheet:focus{outline:0}
.sheet>header{display:flex;align-items:center;gap:.4em;padding:.8em .7em;border-block-end:1px solid var(--line)}
.sheet h3{margin:0;flex:1;min-width:0;font-size:1em;font-weight:650;overflow-wrap:anywhere}
.sheet .inside{flex:1;min-height:0;overflow:auto;padding:1em 1.1em;overscroll-behavior:contain}
.menu{position:absolute;z-index:4;inset-block-start:3.9em;inset-inline-end:.7em;min-width:15em;max-width:calc(100% - 1.4em);padding:.35em;border:1px solid var(--line);border-radius:.9em;background:var(--bg);box-shadow:0 .8em 2.5em -.5em rgb(10 14 24/.35);animation:rise .14s ease-out}
.menu:focus{outline:0}
.menu button{display:flex;align-items:center;gap:.7em;width:100%;min-height:2.6em;padding:.4em .7em;border-radius:.6em;font-size:.9375em}
.menu button:hover,.menu button:focus-visible{background:var(--soft);outline-offset:-2px}
.menu svg{color:var(--muted)}
`

/** Something that lies over the messages until it is put away. */
export default function Sheets({ sheet }: { readonly sheet: Sheet }) {
  const words = useWords()
  switch (sheet.name) {
    case 'menu':
      return <Menu />
    case 'image':
      return <Attached fileId={sheet.fileId} label={sheet.label} />
    case 'citation':
      return (
        <Over title={sheet.title || words('sources')}>
          <Read messageId={sheet.messageId} chunkId={sheet.chunkId} />
        </Over>
      )
    case 'past':
      return (
        <Over title={words('pastChats')}>
          <Read />
        </Over>
      )
    case 'transcript':
      return (
        <Over title={words('sendTranscript')}>
          <Form form="transcript" />
        </Over>
      )
    case 'emoji':
      return null
  }
}

function Over({ title, children }: { readonly title: string; readonly children: preact.ComponentChildren }) {
  const chat = useChat()
  const words = useWords()
  const element = useFocusWhileOpen<HTMLDivElement>(true)
  return (
    <div class="sheet" role="dialog" aria-label={title} ref={element} tabIndex={-1}>
      <header>
        <IconButton icon="back" flip label={words('back')} onClick={() => chat.show(undefined)} />
        <h3>
          <bdi>{title}</bdi>
        </h3>
      </header>
      <div class="inside">{children}</div>
    </div>
  )
}
