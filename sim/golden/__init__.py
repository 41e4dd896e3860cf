"""Golden stories: what people do in the virtual hall, and below it what followed, as text that a test holds fast."""
