"""What `drawn` draws digits with: how the numerals are written, and the hand and the pen that write them."""
