import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { diskStorage } from "./disk.ts"
import { describeStorage } from "./storage.contract.ts"

describeStorage("disk", async () => diskStorage(await mkdtemp(join(tmpdir(), "atelier-storage-"))))
