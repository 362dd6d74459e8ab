"""What the page says: a module for each tab, with its texts in English (EN) and Chinese (ZH)."""
