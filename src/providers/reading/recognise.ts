import { UnreadableDocument } from '../../kernel/index.ts'
import { type About, squeezed } from './document.ts'

/** Read from the bytes that files of a kind begin with; the rest is text or nothing that can be read. */
export function recognise(bytes: Uint8Array): 'pdf' | 'zip' | 'other' {
  if (bytes.length === 0) throw new UnreadableDocument('empty')
  const head = Buffer.from(bytes.subarray(0, 1_024)).toString('latin1')
  // Some writers put a few bytes in front, and readers have always borne with it.
  if (/^(?:\xef\xbb\xbf)?\s*%PDF-/.test(head) || (head.includes('%PDF-') && head.includes('\0'))) return 'pdf'
  if (head.startsWith('PK\x03\x04') || head.startsWith('PK\x05\x06')) return 'zip'
  if (head.startsWith('\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) throw oldOffice(bytes)
  if (head.startsWith('{\\rtf'))
    throw new UnreadableDocument('unsupported', 'This is an RTF file. Save it as .docx or PDF.')
  return 'other'
}

/** The container of Word before 2007 also holds today's documents when they have a password. */
function oldOffice(bytes: Uint8Array): UnreadableDocument {
  const encrypted = Buffer.from('EncryptedPackage', 'utf16le')
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(encrypted))
    return new UnreadableDocument('encrypted')
  return new UnreadableDocument(
    'unsupported',
    'This is a file of an older Office program (.doc, .xls, .ppt). Save it as .docx or PDF.',
  )
}

export type TextKind = 'html' | 'markdown' | 'plain' | 'code'

/**
 * A text is what it looks like. Its name is asked only where looks do not tell: a comment of a script looks like a heading of Markdown.
 */
export function recogniseText(text: string, { name, mimeType = '' }: About): TextKind {
  const head = text.slice(0, 4_096)
  if (wholePage.test(head)) return 'html'
  if (languageOfName(name) !== undefined) return 'code'
  const marked = looksMarked(text)
  if (!marked && startsWithTag.test(head)) return 'html'
  return marked || /\.(md|mdx|markdown)$/i.test(pathOf(name)) || mimeType.startsWith('text/markdown')
    ? 'markdown'
    : 'plain'
}

const before = String.raw`^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*`
const wholePage = new RegExp(String.raw`${before}<(?:!doctype\s+html|html|head|body)[\s>]`, 'i')
const startsWithTag = new RegExp(
  `${before}<(?:title|meta|link|style|script|div|main|article|section|header|nav|p|h[1-6]|ul|ol|dl|table|center|span|a)[\\s>]`,
  'i',
)

/** Signs that hardly any other text has: headings, fences, the second row of a table, links. */
function looksMarked(text: string): boolean {
  const head = text.slice(0, 200_000)
  return /^#{1,6} \S/m.test(head) || /^(?:```|~~~)/m.test(head) || isTable.test(head) || hasLinks(head)
}

const isTable = /^\|?[ \t]*:?-{3,}:?[ \t]*(?:\|[ \t]*:?-{3,}:?[ \t]*)+\|?[ \t]*$/m
const hasLinks = (text: string) => (text.match(/\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)/g)?.length ?? 0) > 1

/** Texts in which lines and blanks mean something. */
const codeLanguages: Readonly<Record<string, string>> = {
  ...{ js: 'javascript', mjs: 'javascript', cjs: 'javascript', jsx: 'jsx', ts: 'typescript', tsx: 'tsx' },
  ...{
    py: 'python',
    rb: 'ruby',
    php: 'php',
    go: 'go',
    rs: 'rust',
    java: 'java',
    kt: 'kotlin',
    swift: 'swift',
  },
  ...{
    c: 'c',
    h: 'c',
    cc: 'cpp',
    cpp: 'cpp',
    hpp: 'cpp',
    cs: 'csharp',
    sh: 'bash',
    bash: 'bash',
    sql: 'sql',
  },
  ...{
    json: 'json',
    yaml: 'yaml',
    yml: 'yaml',
    toml: 'toml',
    ini: 'ini',
    css: 'css',
    scss: 'scss',
    lua: 'lua',
  },
  ...{ graphql: 'graphql', proto: 'protobuf', tf: 'hcl', vue: 'vue', svelte: 'svelte', xml: 'xml' },
}

export function languageOfName(name: string): string | undefined {
  const ending = /\.(\w+)$/.exec(pathOf(name))?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(codeLanguages, ending) ? codeLanguages[ending] : undefined
}

/** The title of what names none. */
export function titleOfName(name: string): string {
  const last = pathOf(name).split(/[/\\]/).filter(Boolean).at(-1) ?? ''
  return squeezed(last.replace(/\.\w{1,8}$/, '').replaceAll('_', ' ')) || squeezed(name) || 'Untitled'
}

const pathOf = (name: string) => (URL.canParse(name) ? new URL(name).pathname : name)
