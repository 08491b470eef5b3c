import { createHmac, timingSafeEqual } from 'node:crypto'

/** A link to a file that nobody else can make, and that is good until a time, in seconds. */
export function signedLink(file, until, key) {
  return `/files/${encodeURIComponent(file)}?until=${until}&signature=${signature(file, until, key)}`
}

/** The file that a link leads to; nothing when the link is not ours or too old. */
export function fileOf(link, now, key) {
  const { pathname, searchParams } = new URL(link, 'http://any')
  const file = decodeURIComponent(pathname.slice('/files/'.length))
  const until = searchParams.get('until') ?? ''
  const given = Buffer.from(searchParams.get('signature') ?? '')
  const right = Buffer.from(signature(file, until, key))
  return given.length === right.length && timingSafeEqual(given, right) && Number(until) >= now ? file : undefined
}

function signature(file, until, key) {
  return createHmac('sha256', key).update(`${until} ${file}`).digest('hex')
}
