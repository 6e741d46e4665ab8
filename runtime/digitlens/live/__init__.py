"""Reading live: frames in, steadied readings out, shown and recorded."""
