import { setTimeout as sleep } from 'node:timers/promises'
import { redis } from './redis.mjs'

let isAsked = false
process.on('SIGTERM', () => {
  isAsked = true
})

console.log('waiting for jobs')
while (!isAsked) {
  try {
    const job = await redis('LPOP', 'jobs')
    if (job === undefined) await sleep(200)
    else console.log(`${job} seen, ${await redis('INCR', 'seen')} in all`)
  } catch (error) {
    console.error(error.message) // the database is being replaced, and soon back
    await sleep(1000)
  }
}
