import { z } from 'zod'
import {
  idParams,
  lineField,
  publicRoute,
  publicUploadRoute,
  Replayed,
  type Route,
  tenantRoute,
  uploadRoute,
} from '../../http/index.ts'
import { downloadFile } from './downloadFile.ts'
import { acceptedTypes } from './fileTypes.ts'
import type { FileParts } from './parts.ts'
import { linksView, signFileLinks } from './signFileLinks.ts'
import { uploadByOffer } from './uploadByOffer.ts'
import { fileView, uploadFile } from './uploadFile.ts'

const nameQuery = z.strictObject({ name: lineField(255).describe('What the file is called') })
const tokenParams = z.strictObject({ token: z.string().max(200) })

export function fileRoutes(parts: FileParts): Route[] {
  return [
    uploadRoute({
      method: 'post',
      path: '/api/v1/conversations/{id}/files',
      tag: 'Files',
      summary: 'Upload a file into a conversation',
      permission: 'conversations:write',
      idempotent: true,
      params: idParams,
      query: nameQuery,
      accepts: acceptedTypes,
      reply: fileView,
      status: 201,
      handle: async ({ scope, params, query, upload, repeat: { key } }) => {
        const incoming = { ...upload, conversationId: params.id, name: query.name }
        const repeat = key === undefined ? undefined : { key, vault: parts.vault }
        const { file, replayed } = await uploadFile(scope, parts, incoming, repeat)
        return replayed ? new Replayed(file) : file
      },
    }),
    publicUploadRoute({
      method: 'post',
      path: '/api/v1/visitor/uploads/{token}',
      tag: 'Files',
      summary: 'Upload a file to the address that a visitor or guest was given over the socket',
      params: z.strictObject({ token: z.string().max(2_000) }),
      accepts: acceptedTypes,
      reply: fileView,
      status: 201,
      handle: ({ params, upload, origin }) =>
        uploadByOffer(parts, { ...upload, token: params.token, origin }),
    }),
    tenantRoute({
      method: 'post',
      path: '/api/v1/files/{id}/link',
      tag: 'Files',
      summary: 'Links to a file and its thumbnail, for ten minutes',
      permission: 'conversations:read',
      params: idParams,
      reply: linksView,
      handle: ({ scope, tx, params }) => signFileLinks(scope, tx, parts.links, params.id),
    }),
    publicRoute({
      method: 'get',
      path: '/files/{token}',
      tag: 'Files',
      summary: 'Read a file by its link',
      params: tokenParams,
      sendsFile: true,
      handle: ({ params, headers, origin }) => downloadFile(parts, { token: params.token, headers, origin }),
    }),
  ]
}
