import { fileTypes } from './fileTypes.ts'

const longest = 200

/** The ending of a name in small letters, without its dot. */
export const extensionOf = (name: string): string => /\.([^./\\]{1,20})$/.exec(name)?.[1]?.toLowerCase() ?? ''

/**
 * A name that a person can save a file under: no folders, nothing that an operating system reads in its own way, no marks that turn
 * the direction of writing (`gpj.exe` looks like `exe.jpg`), and an ending that says what the file is.
 */
export function safeName(given: string, mimeType: string): string {
  const [first = 'bin', ...others] = fileTypes[mimeType]?.extensions ?? []
  const plain = given
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .split(/[/\\]/)
    .at(-1)
    ?.replace(/[<>:"|?*;%]/g, '_')
    .replace(/\s+/g, ' ')
    .replace(/^[.\s]+|[.\s]+$/g, '')
  const name = plain || 'file'
  const extension = extensionOf(name)
  const kept = [first, ...others].includes(extension) ? extension : first
  const stem = extension === kept ? name.slice(0, -(extension.length + 1)) : name
  const shown = reserved.test(stem) ? `_${stem}` : stem
  return `${cut(shown || 'file', longest - kept.length)}.${kept}`
}

/** Names of devices on Windows, whatever follows the first dot. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** By characters, so that none is cut in two. */
const cut = (text: string, length: number): string => {
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (kept.length + segment.length > length) break
    kept += segment
  }
  return kept || 'file'
}

/** RFC 6266: a plain name for old readers, and the whole one as RFC 5987 writes it. */
export function contentDisposition(kind: 'inline' | 'attachment', name: string): string {
  const plain = name.replace(/[^\x20-\x7e]/g, '_').replace(/["\\%]/g, '_')
  const whole = encodeURIComponent(name).replace(
    /['()*]/g,
    mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${kind}; filename="${plain}"; filename*=UTF-8''${whole}`
}
