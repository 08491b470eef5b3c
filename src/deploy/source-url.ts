/**
 * The web address of a repository, from how git reaches it: without anybody's name or token, which may be in it. Undefined
 * for what only this machine can reach.
 */
export function sourceUrl(remote: string): string | undefined {
  const scp = /^(?:[^@/\s]+@)?([^@:/\s]+\.[^@:/\s]+):(?!\/\/)\/?(\S+)$/.exec(remote)
  const url = scp ? asUrl(`ssh://${scp[1]}/${scp[2]}`) : asUrl(remote)
  if (!url || !/^(https?|ssh|git):$/.test(url.protocol) || url.hostname === '') return undefined
  const isWeb = /^https?:$/.test(url.protocol)
  const address = `${isWeb ? url.protocol : 'https:'}//${isWeb ? url.host : url.hostname}${url.pathname}`
  return address.replace(/\/+$/, '').replace(/\.git$/, '')
}

function asUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}
