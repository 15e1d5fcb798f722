"""What stores values as files and reads them back: chosen by the type an output declares."""
