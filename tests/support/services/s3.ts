import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { isExecutable } from './command.ts'
import { dockerEngine, startContainer } from './docker.ts'
import { buildGoProgram, findGoProgram, type GoProgram } from './goProgram.ts'
import { environmentRung, type Found, type Rung, type Tools } from './ladder.ts'
import { freePort, retryingPortClash, startServer, temporaryFolder } from './process.ts'

/** A gateway that serves S3 from a folder, and checks signatures and checksums as S3 does. */
const gateway: GoProgram = {
  name: 'versitygw',
  package: 'github.com/versity/versitygw/cmd/versitygw',
  version: 'v1.8.0',
  built: 'versitygw',
}
const dockerImage = `versity/versitygw:${gateway.version}`
const region = 'us-east-1'

interface Settings {
  endpoint: string
  bucket: string
  region: string
  accessKeyId: string
  secretAccessKey: string
}

export function s3Rungs(tools: Tools): Rung[] {
  const { environment } = tools
  return [
    environmentRung('TEST_S3_URL', environment, fromUrl),
    { how: 'binary', attempt: () => startBinary(findGoProgram(gateway, environment)) },
    { how: 'installed', attempt: async () => startBinary(await buildGoProgram(gateway, tools)) },
    { how: 'docker', attempt: () => startInDocker(environment) },
  ]
}

/** `http://key:secret@host:port/bucket?region=…`, with a bucket that tests may fill. */
async function fromUrl(text: string): Promise<Found> {
  const url = new URL(text)
  return {
    details: {
      endpoint: url.origin,
      bucket: url.pathname.slice(1),
      region: url.searchParams.get('region') ?? region,
      accessKeyId: decodeURIComponent(url.username),
      secretAccessKey: decodeURIComponent(url.password),
    },
  }
}

async function startBinary(path: string): Promise<Found> {
  if (!isExecutable(path)) throw new Error(`${path} is not an executable file`)
  return retryingPortClash(async () => {
    const settings = newSettings(await freePort())
    const folder = temporaryFolder('s3')
    const [data, attributes] = [join(folder.path, 'data'), join(folder.path, 'attributes')]
    for (const part of [data, attributes]) mkdirSync(part)
    try {
      const server = await startServer({
        name: gateway.name,
        command: path,
        args: [
          ...['--quiet', '--port', new URL(settings.endpoint).host, '--region', region],
          ...['--access', settings.accessKeyId, '--secret', settings.secretAccessKey],
          // Not every file system keeps attributes, and temporary folders often lie on one that does not.
          ...['posix', '--sidecar', attributes, data],
        ],
        ready: () => makeBucket(settings),
        deadlineMs: 20_000,
        graceMs: 2_000,
      })
      const stop = async () => {
        await server.stop()
        folder.remove()
      }
      return { details: { ...settings }, stop }
    } catch (error) {
      folder.remove()
      throw error
    }
  })
}

async function startInDocker(environment: NodeJS.ProcessEnv): Promise<Found> {
  const docker = await dockerEngine(environment)
  const port = await freePort()
  const settings = newSettings(port)
  const container = await startContainer(docker, {
    image: dockerImage,
    publish: [`127.0.0.1:${port}:7070`],
    command: [
      ...['--access', settings.accessKeyId, '--secret', settings.secretAccessKey, '--region', region],
      ...['posix', '--nometa', '/tmp'],
    ],
    ready: () => makeBucket(settings),
  })
  return { details: { ...settings }, stop: container.stop }
}

const newSettings = (port: number): Settings => ({
  endpoint: `http://127.0.0.1:${port}`,
  bucket: 'parley-test',
  region,
  accessKeyId: `test${randomBytes(6).toString('hex')}`,
  secretAccessKey: randomBytes(24).toString('hex'),
})

async function makeBucket({ endpoint, bucket, accessKeyId, secretAccessKey }: Settings): Promise<void> {
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
}
