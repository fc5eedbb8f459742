export type ServiceName = 'postgres' | 'redis' | 'chromium' | 'haproxy' | 'livekit' | 's3'

export const serviceNames: readonly ServiceName[] = [
  'postgres',
  'redis',
  'chromium',
  'haproxy',
  'livekit',
  's3',
]

/** How a service was had; also the names of the ladder's rungs. */
export type How = 'environment' | 'running' | 'binary' | 'docker' | 'installed'

export const rungNames: readonly How[] = ['environment', 'running', 'binary', 'docker', 'installed']

export type Log = (line: string) => void

export interface Provided {
  name: ServiceName
  how: How
  /**
   * postgres `{url, version, pgvector}`, redis `{url, version}`, chromium and haproxy `{path, version}`,
   * livekit `{url, httpUrl, apiKey, apiSecret}`, s3 `{endpoint, bucket, region, accessKeyId, secretAccessKey}`.
   */
  details: Record<string, string>
  /** Stops what was started for us; a server that was already there is left alone. May be called again. */
  stop(): Promise<void>
}

export interface Missing {
  name: ServiceName
  /** One for each rung tried, for a person. */
  reasons: string[]
}
