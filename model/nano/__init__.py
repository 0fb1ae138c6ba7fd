"""nano, the bundled model: what it learns from (phrases, curriculum), how it is made (recipe), its weights and card."""
