import type { JobHandler } from '../../db/index.ts'
import { thumbnailHandler } from './makeThumbnail.ts'
import type { FileParts } from './parts.ts'
import { removalHandler } from './removeObjects.ts'
import { sweepFilesHandler } from './sweepFiles.ts'

export const fileJobs = (parts: FileParts): JobHandler[] => [
  thumbnailHandler(parts),
  removalHandler(parts),
  sweepFilesHandler(parts),
]
