/** What content was recognised as. Everything else (pages, drawings with scripts in them, programs, scripts) has no place here. */
export type Kind =
  | 'png'
  | 'jpeg'
  | 'gif'
  | 'webp'
  | 'avif'
  | 'pdf'
  | 'zip'
  | 'mp3'
  | 'ogg'
  | 'wav'
  | 'mp4'
  | 'webm'
  | 'text'

export interface FileType {
  readonly kind: Kind
  /** The first one is added to names that have none of them. */
  readonly extensions: readonly [string, ...string[]]
  /** For documents in a zip: the entry that makes it one. */
  readonly entry?: string
  /** Whether browsers may show it by themselves instead of saving it. */
  readonly inline?: true
}

const office = 'application/vnd.openxmlformats-officedocument'

/** Every type that is taken, by the name it is stored and served with. Of one kind the first is what is assumed where nothing is declared. */
export const fileTypes: Readonly<Record<string, FileType>> = {
  'image/png': { kind: 'png', extensions: ['png'], inline: true },
  'image/jpeg': { kind: 'jpeg', extensions: ['jpg', 'jpeg', 'jfif'], inline: true },
  'image/gif': { kind: 'gif', extensions: ['gif'], inline: true },
  'image/webp': { kind: 'webp', extensions: ['webp'], inline: true },
  'image/avif': { kind: 'avif', extensions: ['avif'], inline: true },
  'application/pdf': { kind: 'pdf', extensions: ['pdf'], inline: true },
  'text/plain': { kind: 'text', extensions: ['txt', 'log', 'text'] },
  'text/markdown': { kind: 'text', extensions: ['md', 'markdown'] },
  'text/csv': { kind: 'text', extensions: ['csv'] },
  'application/zip': { kind: 'zip', extensions: ['zip'] },
  [`${office}.wordprocessingml.document`]: { kind: 'zip', extensions: ['docx'], entry: 'word/document.xml' },
  [`${office}.spreadsheetml.sheet`]: { kind: 'zip', extensions: ['xlsx'], entry: 'xl/workbook.xml' },
  [`${office}.presentationml.presentation`]: {
    kind: 'zip',
    extensions: ['pptx'],
    entry: 'ppt/presentation.xml',
  },
  'audio/mpeg': { kind: 'mp3', extensions: ['mp3'], inline: true },
  'audio/ogg': { kind: 'ogg', extensions: ['ogg', 'oga', 'opus'], inline: true },
  'audio/wav': { kind: 'wav', extensions: ['wav'], inline: true },
  'video/mp4': { kind: 'mp4', extensions: ['mp4', 'm4v'], inline: true },
  'audio/mp4': { kind: 'mp4', extensions: ['m4a', 'mp4'], inline: true },
  'video/webm': { kind: 'webm', extensions: ['webm'], inline: true },
  'audio/webm': { kind: 'webm', extensions: ['weba', 'webm'], inline: true },
}

export const acceptedTypes = Object.keys(fileTypes)

/** What whoever wants to send a file has to know. */
export const describeFiles = (limits: { readonly file: number }) => ({
  maxBytes: limits.file,
  types: acceptedTypes,
})

/** Other names that systems have for the same. */
const otherNames: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'application/x-pdf': 'application/pdf',
  'text/x-markdown': 'text/markdown',
  'application/x-zip-compressed': 'application/zip',
  'audio/mp3': 'audio/mpeg',
  'application/ogg': 'audio/ogg',
  'audio/wave': 'audio/wav',
  'audio/x-wav': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-m4a': 'audio/mp4',
}

/** Browsers say one of these of a file that they do not know. */
const undeclared = new Set(['application/octet-stream', 'binary/octet-stream'])

/** The name that a declared type has here; `undefined` where nothing is declared. */
export const typeDeclared = (type: string | undefined): string | undefined =>
  type === undefined || undeclared.has(type) ? undefined : (otherNames[type] ?? type)

export const typesOfKind = (kind: Kind): (readonly [string, FileType])[] =>
  Object.entries(fileTypes).filter(([, type]) => type.kind === kind)

export const isPicture = (mimeType: string): boolean => mimeType.startsWith('image/')
