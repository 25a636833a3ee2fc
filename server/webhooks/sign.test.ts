import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { Webhook as Standard } from "standardwebhooks"
import { Webhook as Svix } from "svix"
import { derivedSecret, newSecret, signatureOf, signedHeaders, writeSecret } from "./sign.ts"

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const message = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330 }

const vectors: [string, string][] = [
  [`{"test": 2432232314}`, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="],
  ["", "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A="],
  [`{"p":"ação 🦊"}`, "v1,lbsD4pdq6eAc15i6P3j+4qnSyX2LkmMBtT4X3pUxn38="],
]

describe("signatures", () => {
  for (const [body, signature] of vectors)
    it(`are those of the standard for ${body || "an empty body"}`, () => {
      assert.equal(signatureOf(secret, { ...message, body }), signature)
    })

  it("are accepted by others' libraries, by the old secret and by the new", () => {
    const secrets = [newSecret(), newSecret()]
    const body = `{"event":"images.completed"}`
    const headers = signedHeaders(secrets, { id: "msg_1", timestamp: Math.floor(Date.now() / 1000), body })
    for (const one of secrets) {
      assert.deepEqual(new Standard(one).verify(body, headers), JSON.parse(body))
      assert.doesNotThrow(() => new Svix(one).verify(body, headers))
    }
    assert.throws(() => new Standard(newSecret()).verify(body, headers))
    assert.throws(() => new Svix(secrets[0]!).verify(`${body} `, headers))
  })

  it("are made with 32 random bytes", () => {
    const made = newSecret()
    assert.match(made, /^whsec_[A-Za-z0-9+/]{43}=$/)
    assert.notEqual(made, newSecret())
  })
})

describe("a derived secret", () => {
  it("follows from the key and the name, and stays what receivers have noted", () => {
    const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert.equal(
      writeSecret(derivedSecret(key, "webhooks of requests of shop")),
      "whsec_Gul1X7K2GJ+93V8ZZdLEfwn+BcdXLtHvkcu3FcJMMig=",
    )
    assert.notDeepEqual(derivedSecret(key, "one"), derivedSecret(key, "two"))
  })
})
