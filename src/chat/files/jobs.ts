import type { JobHandler } from '../../db/index.ts'
import { thumbnailHandler } from './makeThumbnail.ts'
import type { FileParts } from './parts.ts'
import { sweepFilesHandler } from './sweepFiles.ts'

export const fileJobs = (parts: FileParts): JobHandler[] => [
  thumbnailHandler(parts),
  sweepFilesHandler(parts),
]
