import Citation, { type CitationProps, css as citationCss } from './Citation.tsx'
import Past, { css as pastCss } from './Past.tsx'

export const css = citationCss + pastCss

/** What the server is asked for to be read: a passage, or what was talked about before. Together, because they ask alike. */
export default (props: CitationProps | object) => ('chunkId' in props ? <Citation {...props} /> : <Past />)
