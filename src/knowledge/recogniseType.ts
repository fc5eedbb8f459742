const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'

/** What content is, by its first bytes; only where these do not tell, by its name. */
export function recogniseType(content: Uint8Array, name: string): string {
  const head = Buffer.from(content.subarray(0, 2_048)).toString('latin1')
  if (head.includes('%PDF-') && head.indexOf('%PDF-') < 1_024) return 'application/pdf'
  if (head.startsWith('PK')) return /word\//.test(head) || /\.docx$/i.test(name) ? word : 'application/zip'
  if (head.includes('\0') && !/^(\xff\xfe|\xfe\xff)/.test(head)) return 'application/octet-stream'
  if (/^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:!doctype html|html|head|body)[\s>]/i.test(head))
    return 'text/html'
  return /\.(md|mdx|markdown)$/i.test(name) ? 'text/markdown' : 'text/plain'
}
