import { connect } from 'node:net'

/** Asks Redis one thing, on a connection of its own. With dependencies, the package `redis` keeps one open. */
export function redis(...words) {
  return new Promise((resolve, reject) => {
    const socket = connect(6379, process.env.REDIS_HOST)
    let text = ''
    socket.setEncoding('utf8').setTimeout(5000, () => socket.destroy(new Error('the database does not answer')))
    socket.on('error', reject)
    socket.on('data', part => {
      text += part
    })
    socket.on('end', () => {
      const failure = /^-(.*)/m.exec(text)
      if (failure) return reject(new Error(failure[1]))
      const [, kind = '', ...rest] = text.split('\r\n') // the first line answers AUTH
      if (kind === '') return reject(new Error('the database has gone'))
      resolve(kind === '$-1' ? undefined : kind.startsWith('$') ? rest[0] : kind.slice(1))
    })
    socket.write([['AUTH', process.env.REDIS_PASSWORD], words, ['QUIT']].map(command).join(''))
  })
}

function command(words) {
  return [`*${words.length}`, ...words.flatMap(word => [`$${Buffer.byteLength(word)}`, word]), ''].join('\r\n')
}
