import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { ParleyError, type Secret } from '../kernel/index.ts'
import {
  type Content,
  checkedTenant,
  contentOf,
  type FileStore,
  parseKey,
  storeUnavailable,
} from './files.ts'

export interface S3Settings {
  readonly endpoint: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
}

/** A bucket of any service that speaks S3. That objects are whole and outlive a crash is what such a service promises. */
export function createS3Store(settings: S3Settings): FileStore {
  const client = createClient(settings)
  const Bucket = settings.bucket
  const place = (key: string) => {
    const { tenantId, name } = parseKey(key)
    return { Bucket, Key: `${tenantId}/${name}` }
  }

  return {
    provider: 's3',
    async put(key, content) {
      await upload(client, place(key), content)
    },
    async get(key, range) {
      const request = { ...place(key), Range: range && `bytes=${range.first}-${range.last}` }
      return ifThere(async () => {
        const { Body } = await client.send(new GetObjectCommand(request))
        if (!(Body instanceof Readable)) throw new Error('the object has no content')
        return contentOf(Body)
      })
    },
    async stat(key) {
      const request = place(key)
      return ifThere(async () => {
        const { ContentLength = 0, LastModified } = await client.send(new HeadObjectCommand(request))
        return { size: ContentLength, storedAt: LastModified ?? new Date() }
      })
    },
    async delete(key) {
      const request = place(key)
      await attempt(() => client.send(new DeleteObjectCommand(request)))
    },
    async *list(tenantId, storedBefore) {
      const request = { Bucket, Prefix: `${checkedTenant(tenantId)}/` }
      for await (const page of pagesOf(client, request)) {
        for (const { Key, LastModified } of page.Contents ?? [])
          if (Key && LastModified && LastModified.getTime() < storedBefore.getTime()) yield Key
      }
    },
    async discardUnfinished(tenantId, begunBefore) {
      const request = { Bucket, Prefix: `${checkedTenant(tenantId)}/` }
      await attempt(() => abortUploads(client, request, begunBefore))
    },
  }
}

const createClient = ({ endpoint, region, accessKeyId, secretAccessKey }: S3Settings) =>
  new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey: secretAccessKey.reveal() },
    // Buckets as part of the path, and checksums only where S3 asks for them: the form that all services understand.
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3_000, requestTimeout: 60_000 },
  })

/** Begins only with the first 5 MiB at hand, so of small content that fails the service hears nothing; of large content it forgets the parts. */
async function upload(
  client: S3Client,
  place: { Bucket: string; Key: string },
  content: Content,
): Promise<void> {
  const { watched, fault } = watch(content)
  // One part at a time: each waits in memory until it is taken.
  const params = { ...place, Body: Readable.from(watched, { objectMode: false }) }
  try {
    await new Upload({ client, params, queueSize: 1, leavePartsOnError: false }).done()
  } catch (error) {
    throw fault() ?? storeUnavailable(error)
  }
}

/** Tells what the content failed with from what the service failed with; the library mixes them. */
function watch(content: Content): { watched: Content; fault: () => unknown } {
  let fault: unknown
  async function* watched() {
    try {
      yield* content
    } catch (error) {
      fault = error
      throw error
    }
  }
  return { watched: watched(), fault: () => fault }
}

async function* pagesOf(client: S3Client, request: { Bucket: string; Prefix: string }) {
  try {
    yield* paginateListObjectsV2({ client }, request)
  } catch (error) {
    throw storeUnavailable(error)
  }
}

async function abortUploads(
  client: S3Client,
  request: { Bucket: string; Prefix: string },
  begunBefore: Date,
): Promise<void> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(request))
  for (const { Key, UploadId, Initiated } of Uploads) {
    if (Initiated && Initiated.getTime() < begunBefore.getTime())
      await client.send(new AbortMultipartUploadCommand({ Bucket: request.Bucket, Key, UploadId }))
  }
}

async function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof ParleyError ? error : storeUnavailable(error)
  }
}

/** Only that the object is missing: a missing bucket is a fault of the settings, and must not look like a file that is gone. */
const ifThere = <Result>(work: () => Promise<Result>): Promise<Result | undefined> =>
  attempt(async () => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof S3ServiceException && ['NoSuchKey', 'NotFound'].includes(error.name))
        return undefined
      throw error
    }
  })
