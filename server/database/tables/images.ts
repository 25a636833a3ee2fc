// Pictures. Times are milliseconds since 1970; columns ending in _json hold JSON text.

export type ImageRow = {
  id: string
  project_id: string
  /** Null for pictures that were uploaded. */
  generation_id: string | null
  /** Order among the pictures of the generation. */
  position: number
  sha256: string
  bytes: number
  media_type: string
  width: number
  height: number
  /** What the vendor tells of this picture: `{ seed?, revised_prompt? }`. */
  notes_json: string
  /** Marks of an AI that an upload came with, or that what a picture was made from came with: `Mark[]`. */
  input_marks_json: string
  created_at: number
}

/** A picture by a caller's own name. */
export type ImageNameRow = {
  project_id: string
  name: string
  /** Null while the first picture of that name is being made. */
  image_id: string | null
  /** The last generation that was to make it; null after an upload. Only its picture may take the name. */
  generation_id: string | null
  created_at: number
  updated_at: number
}

/** A picture drawn anew from another, which goes with it. */
export type DerivativeRow = {
  image_id: string
  /** What was asked for, in one spelling: `320x200 cover webp 80`. */
  variant: string
  /** SHA-256 of the certificate that it is signed with; empty where it is not. */
  signer: string
  sha256: string
  bytes: number
  media_type: string
  width: number
  height: number
  created_at: number
}
