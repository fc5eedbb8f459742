import type { Upload } from '../state/state.ts'
import { Icon, IconButton, useChat, useWords } from '../view/parts.tsx'

export const css = `
.files{display:flex;flex-direction:column;gap:.35em;padding:.5em .5em 0}
.files li{display:grid;grid-template-columns:auto 1fr auto auto;align-items:center;gap:.2em .55em;padding:.3em .3em .3em .65em;padding-inline:.65em .3em;border-radius:.8em;background:var(--soft);font-size:.8125em;list-style:none}
.files b{font-weight:500;overflow-wrap:anywhere}
.files progress{grid-column:1/-1;width:100%;height:.25em;accent-color:var(--ink)}
`

/** What will be sent with the next message. */
export default function Files({ uploads }: { readonly uploads: readonly Upload[] }) {
  const chat = useChat()
  const words = useWords()
  return (
    <ul class="files">
      {uploads.map(({ key, name, size, kind, progress, failed, fileId }) => (
        <li key={key}>
          <Icon name={kind} />
          <span>
            <b>
              <bdi>{name}</bdi>
            </b>{' '}
            {words.size(size)}
          </span>
          {failed ? (
            <IconButton
              icon="again"
              label={words('retry')}
              onClick={() => void chat.withUploads(all => all.retry(key))}
            />
          ) : (
            <span />
          )}
          <IconButton
            icon="close"
            label={words('remove', { name })}
            onClick={() => void chat.withUploads(all => all.cancel(key))}
          />
          {!fileId && !failed && (
            <progress
              max={1}
              value={progress}
              aria-label={words('uploading', { name, percent: words.percent(progress) })}
            />
          )}
        </li>
      ))}
    </ul>
  )
}
