import type { Chat } from '../state/chat.ts'
import type { Failure } from '../state/limits.ts'
import type { Upload } from '../state/state.ts'

/** Attempts for one file; what broke off has used nothing up. */
const attempts = 4

/** Files on their way into the next message. */
export class Uploads {
  readonly #chat: Chat
  readonly #files = new Map<string, File>()
  readonly #running = new Map<string, XMLHttpRequest>()
  #named = 0

  readonly #most: number

  constructor(chat: Chat, most: number) {
    this.#chat = chat
    this.#most = most
  }

  add(files: Iterable<File>): void {
    const { boot, store } = this.#chat
    const { words, uploads } = store.state
    if (!boot.config.chatWindow.attachments || !words) return
    const { maxBytes, types } = boot.config.files
    const notices = new Set<string>()
    for (const file of files) {
      const room = this.#most - store.state.uploads.length
      const notice =
        room <= 0
          ? words('tooManyFiles', { count: this.#most })
          : file.size > maxBytes
            ? words('fileTooLarge', { name: file.name, size: words.size(maxBytes) })
            : file.type && types.length > 0 && !types.includes(file.type)
              ? words('fileRefused', { name: file.name })
              : ''
      if (notice) notices.add(notice)
      else this.#begin(file)
    }
    if (notices.size > 0) store.set({ notice: [...notices].join(' ') })
    if (uploads.length === 0 && store.state.uploads.length > 0) void this.#chat.begin()
  }

  cancel(key: string): void {
    this.#running.get(key)?.abort()
    this.#running.delete(key)
    this.#files.delete(key)
    this.#put(this.#chat.store.state.uploads.filter(one => one.key !== key))
  }

  retry(key: string): void {
    this.#change(key, { failed: false, progress: 0, fileId: undefined })
    void this.#upload(key)
  }

  /** By what is on its way: what is shown may be somebody else's by now. */
  clear(): void {
    this.#files.clear()
    for (const request of this.#running.values()) request.abort()
  }

  /** A file belongs to the conversation it was uploaded for, so that another one needs it again; what is not at hand any more the visitor has to attach. */
  follow(): void {
    for (const { key, name, fileId } of this.#chat.store.state.uploads) {
      if (!fileId) continue
      if (this.#files.has(key)) {
        this.retry(key)
        continue
      }
      this.cancel(key)
      const { words } = this.#chat.store.state
      if (words) this.#chat.store.set({ notice: words('fileFailed', { name }) })
    }
  }

  #begin(file: File): void {
    const key = `${Date.now()}-${this.#named++}`
    const { type, size } = file
    const name = nameOfFile(file)
    this.#files.set(key, file)
    const kind: Upload['kind'] = /^image\/(png|jpe?g|gif|webp|avif)$/.test(type) ? 'image' : 'file'
    const upload: Upload = { key, name, size, kind, progress: 0, failed: false, fileId: undefined }
    this.#put([...this.#chat.store.state.uploads, upload])
    void this.#upload(key)
  }

  async #upload(key: string): Promise<void> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const file = this.#files.get(key)
      if (!file) return
      const conversationId = await this.#conversation()
      if (!this.#files.has(key)) return
      const { client, talks } = this.#chat
      const offer = await client.request('file.offer', { conversationId, name: nameOfFile(file) })
      const answer = offer.ok ? await this.#post(key, offer.value.url, file) : offer
      if (!this.#files.has(key)) return
      // Another conversation may have been chosen meanwhile.
      if (answer.ok && talks.current?.getSnapshot().id !== conversationId) continue
      if (answer.ok) return this.#change(key, { fileId: answer.value as string, progress: 1 })
      if (!answer.error.retryable) return this.#failed(key, answer.error)
      await new Promise(resolve => setTimeout(resolve, 500 * 2 ** attempt))
    }
    this.#failed(key)
  }

  /** A file belongs to a conversation, which has to be reached first. */
  #conversation(): Promise<string> {
    const { talks, store } = this.#chat
    return new Promise(resolve => {
      const off = store.subscribe(() => look())
      const look = () => {
        const id = talks.current?.getSnapshot()
        if (!id?.id || !id.live) return
        off()
        resolve(id.id)
      }
      void this.#chat.begin().then(isStill => {
        if (!isStill) return off()
        talks.start()
        look()
      })
    })
  }

  #post(key: string, url: string, file: File): Promise<Answer> {
    return new Promise(resolve => {
      const request = new XMLHttpRequest()
      this.#running.set(key, request)
      request.upload.onprogress = ({ loaded, total }) =>
        this.#change(key, { progress: Math.min(0.99, loaded / (total || 1)) })
      request.onloadend = () => {
        this.#running.delete(key)
        resolve(answerOf(request))
      }
      request.open('POST', url)
      request.setRequestHeader('content-type', file.type || 'application/octet-stream')
      request.send(file)
    })
  }

  #failed(key: string, failure?: Failure): void {
    const upload = this.#chat.store.state.uploads.find(one => one.key === key)
    const { words } = this.#chat.store.state
    if (!upload || !words) return
    this.#change(key, { failed: true })
    const { name } = upload
    const reason = failure?.code
    const size = words.size(this.#chat.boot.config.files.maxBytes)
    const notice =
      reason === 'payload_too_large'
        ? words('fileTooLarge', { name, size })
        : words(reason === 'unsupported_media_type' ? 'fileRefused' : 'fileFailed', { name })
    this.#chat.store.set({ notice })
  }

  #change(key: string, change: Partial<Upload>): void {
    const { store, composer } = this.#chat
    const uploads = store.state.uploads.map(one => (one.key === key ? { ...one, ...change } : one))
    if ('fileId' in change) void composer.keep({ uploads })
    else store.set({ uploads })
  }

  #put(uploads: readonly Upload[]): void {
    void this.#chat.composer.keep({ uploads })
  }
}

/** What is pasted may have none. */
const nameOfFile = ({ name, type }: File): string =>
  name.trim().slice(-200) || `file.${type.split('/')[1] || 'bin'}`

type Answer = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly error: Failure }

function answerOf({ status, responseText }: XMLHttpRequest): Answer {
  let body: { id?: unknown; code?: unknown; retryable?: unknown } = {}
  try {
    body = JSON.parse(responseText)
  } catch {
    // No answer of ours: as good as none.
  }
  if (status === 201 && typeof body.id === 'string') return { ok: true, value: body.id }
  const code = typeof body.code === 'string' ? body.code : 'unavailable'
  return { ok: false, error: { code, retryable: body.retryable !== false } }
}
