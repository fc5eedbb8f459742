import Attachment, { type AttachmentProps, css as attachmentCss } from './Attachment.tsx'
import Lightbox, { type LightboxProps, css as lightboxCss } from './Lightbox.tsx'

export const css = attachmentCss + lightboxCss

export type AttachedProps = AttachmentProps | LightboxProps

/** What somebody has sent along, in its message or over the whole page. */
export default (props: AttachedProps) =>
  'part' in props ? <Attachment {...props} /> : <Lightbox {...props} />
